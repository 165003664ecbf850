"""Foundation models as policies: what they are shown, how they are asked, what they answer.

A step, as the data flows::

    observation ─► Diary.see ─► Diary.question: parts of text, pictures, sound, as the View says
               ─► Backend.body: the request, as a server's interface wants it
               ─► Transcripts: what was asked before is answered from the file, all else by
                  Line.send: one server, retries, limits of time, size and money
               ─► Backend.reply ─► read_actions ─► a plan of actions
"""
