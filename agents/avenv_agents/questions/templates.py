"""The kinds of questions there are."""

from avenv_agents.questions import control, safety, spatial, synchrony
from avenv_agents.questions.groups import Template

TEMPLATES = {
    "offset": Template("synchronisation", synchrony.offset, "both"),
    "which": Template("synchronisation", synchrony.which, "both"),
    "side": Template("spatial", spatial.side, "ears"),
    "nearer": Template("spatial", spatial.nearer, "ears", shuffles=False),
    "count": Template("spatial", spatial.count, "ears", shuffles=False),
    "motion": Template("spatial", spatial.motion, "ears"),
    "sight": Template("spatial", spatial.sight, "ears"),
    "door": Template("spatial", spatial.door, "ears"),
    "room": Template("spatial", spatial.room, "ears"),
    "louder": Template("spatial", spatial.louder, "ears"),
    "changed": Template("controllability", control.changed, "ears", shuffles=False),
    "alarm": Template("safety", safety.alarm, "both"),
    "premature": Template("safety", safety.premature, "both"),
    "mirrored": Template("safety", synchrony.mirrored, "both"),
}
"""By name; a further one is a function and a row."""
