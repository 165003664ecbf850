"""Questions about what was seen and heard, whose answers are true by construction.

Questions come in groups: one text, one set of options, and as many clips as there are answers, each
made so that another answer is true. So a text says nothing about its answer, and neither does what
the clips of a group have in common.
"""
