"""A small actor runtime on trio: bounded mailboxes, refs, supervisors with OTP's rules, dead letters.

It knows nothing of workflows. Everything users need is here; the modules behind it are internal.

>>> class Greeter(Actor):
...     async def receive(self, message):
...         return f"hello {message}"
>>> async def main():
...     async with open_runtime(SupervisorSpec("app", children=[ChildSpec("greeter", Greeter)])) as runtime:
...         return await runtime.ref("app/greeter").ask("world", timeout_seconds=1)
>>> import trio; trio.run(main)
'hello world'
"""

from __future__ import annotations

import logging

from actorflow.actors.actor import Actor as Actor
from actorflow.actors.actor import Context as Context
from actorflow.actors.actor import service as service
from actorflow.actors.dead_letters import DeadLetter as DeadLetter
from actorflow.actors.dead_letters import DeadLetters as DeadLetters
from actorflow.actors.envelope import Envelope as Envelope
from actorflow.actors.errors import AskFailed as AskFailed
from actorflow.actors.errors import NameTaken as NameTaken
from actorflow.actors.errors import NoSuchActor as NoSuchActor
from actorflow.actors.errors import StartFailed as StartFailed
from actorflow.actors.errors import SupervisorFailed as SupervisorFailed
from actorflow.actors.errors import SupervisorStopped as SupervisorStopped
from actorflow.actors.mailbox import Inbox as Inbox
from actorflow.actors.mailbox import MailboxStatistics as MailboxStatistics
from actorflow.actors.ref import Ref as Ref
from actorflow.actors.runtime import Runtime as Runtime
from actorflow.actors.runtime import open_runtime as open_runtime
from actorflow.actors.specs import Backoff as Backoff
from actorflow.actors.specs import ChildSpec as ChildSpec
from actorflow.actors.specs import Exit as Exit
from actorflow.actors.specs import Restart as Restart
from actorflow.actors.specs import Restarted as Restarted
from actorflow.actors.specs import Strategy as Strategy
from actorflow.actors.specs import SupervisorSpec as SupervisorSpec
from actorflow.actors.supervisor_ref import SupervisorRef as SupervisorRef
from actorflow.actors.supervisor_ref import SupervisorStatistics as SupervisorStatistics
from actorflow.actors.tree import ChildState as ChildState
from actorflow.actors.tree import TreeNode as TreeNode
from actorflow.actors.tree import format_tree as format_tree

logging.getLogger("actorflow.actors").addHandler(
    logging.NullHandler()
)  # silent unless the application wants it
