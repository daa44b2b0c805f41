"""Broken workflow files, each with the places and codes of all its problems.

A ``«`` in the text marks where a problem must be told (line and column); it is taken out before the file is read. ``problems`` says, for each mark in
order, the code and a word that the message or hint must contain. There must be no other problem.
"""

from __future__ import annotations

from dataclasses import dataclass

A = "\n- {id: a, agent: echo}\n"
HEAD = "name: x\ntasks:" + A


@dataclass(frozen=True)
class Broken:
    name: str
    text: str
    problems: tuple[tuple[str, str], ...]
    file: str = "workflow.yaml"

    @property
    def data(self) -> bytes:
        return self.text.replace("«", "").encode()

    @property
    def places(self) -> list[tuple[int, int]]:
        lines = self.text.split("\n")
        return [
            (number, column + 1 - seen)
            for number, line in enumerate(lines, 1)
            for seen, column in enumerate(i for i, c in enumerate(line) if c == "«")
        ]


def _case(name: str, text: str, *problems: str, file: str = "workflow.yaml") -> Broken:
    return Broken(
        name, text, tuple((code, word) for code, _, word in (p.partition(" ") for p in problems)), file
    )


def _key(name: str, keys: str, *problems: str) -> Broken:
    """A workflow with other top-level keys."""
    return _case(name, HEAD + keys + "\n", *problems)


def _task(name: str, keys: str, *problems: str) -> Broken:
    """A task with other keys, behind a task ``a``."""
    body = "\n".join(f"  {line}" for line in keys.split("\n"))
    return _case(name, f"{HEAD}- id: t\n  agent: all\n{body}\n", *problems)


def _json(name: str, text: str, *problems: str) -> Broken:
    return _case(name, text, *problems, file="workflow.json")


READING = [
    _case("empty", "«", "E504 empty"),
    _case("blank lines", "«\n\n  \n", "E504 empty"),
    _case("comments only", "«# nothing\n# here\n", "E504 comments"),
    _case("a document marker only", "«---\n", "E504 nothing"),
    _case("a list at the top", "«- a\n- b\n", "E601 mapping"),
    _case("text at the top", "«hello\n", "E601 mapping"),
    _case("a second document", HEAD + "«---\nname: y\n", "E512 second"),
    _case("an unclosed single quote", "name: «'x\ntasks: []\n", "E505 quote"),
    _case("an unclosed double quote", 'name: «"x\ntasks: []\n', "E505 quote"),
    _case("an unclosed bracket", "name: x\ntasks: [\n a\n«", "E505 line 2"),
    _case("an unclosed brace", "name: x\nsettings: {max_parallel: 1\ntasks«: []\n", "E505 bracket"),
    _case("a bracket closed by a brace", "name: x\ntasks: [a«}\n", "E505 bracket"),
    _case("a tab as indentation", "name: x\nsettings:\n«\tmax_parallel: 1\n", "E505 spaces"),
    _case("two colons", "name: a«: b\n", "E505 quote"),
    _case("an indented key", "name: x\n description«: y\n", "E505 indentation"),
    _case("a key less indented", "settings:\n    timeout: 1\n  «max_parallel: 1\n", "E505 indentation"),
    _case("a list entry less indented", "tasks:\n  - id: a\n «- id: b\n", "E505 indentation"),
    _case("a key without a colon", "name: x\ntasks\n«", "E505 ':'"),
    _case("a key beside a list", "- a\n«name: x\n", "E505 list"),
    _case("a value that starts with @", "name: «@x\n", "E505 quote"),
    _case("a value that starts with a back-tick", "name: «`x`\n", "E505 quote"),
    _case("a value that starts with %", "name: «%x\n", "E505 quote"),
    _case("an unknown escape", 'name: "a«\\qb"\n', "E505 escape"),
    _case("a broken unicode escape", 'name: "a\\u«12zb"\n', "E505 escape"),
    _case("text after a block header", "name: |«x\n", "E505 next line"),
    _case("a list behind a key on one line", "tasks: «- a\n", "E505 list"),
    _case("text after a closing quote", "name: 'x' «y\n", "E505 quotes"),
    _case("an ampersand alone", "name: &«\n", "E505 quote"),
    _case("an asterisk alone", "name: *«\n", "E505 quote"),
    _case(
        "a hole in a flow list",
        HEAD + "- {id: b, agent: echo, parameters: {x: [$«{a.output}]}}\n",
        "E505 holes",
    ),
    _case("jinja braces", HEAD + "- {id: b, agent: echo, parameters: {x: {«{name}}}}\n", "E516 quote"),
    _case("a list as a key", "? «[a, b]\n: c\n", "E516 text"),
    _case("an anchor", HEAD + "x-a: «&base 1\n", "E509 base"),
    _case("an anchor and its alias", HEAD + "x-a: «&base {b: 1}\nx-b: «*base\n", "E509 base", "E509 write"),
    _case("an alias as a key", HEAD + "«*base : 1\n", "E509 base"),
    _case("an alias in a list", HEAD + "- «*other\n", "E509 other"),
    _case(
        "a merge key",
        "x-base: {agent: echo}\nname: x\ntasks:\n- id: a\n  «<<: {agent: echo}\n",
        "E510 merge",
    ),
    _case("a tag", "name: «!!str x\ntasks:" + A, "E511 !!str"),
    _case("a tag of Python", "name: «!!python/object/apply:os.system [ls]\ntasks:" + A, "E511 python"),
    _case("a local tag", "name: x\ntasks: «!include tasks.yaml\n", "E511 include"),
    _case("a tag directive", "«%TAG ! tag:x,2000:\n---\nname: x\n", "E511 TAG"),
    _case("two yaml directives", "%YAML 1.2\n«%YAML 1.2\n---\nname: x\n", "E505 directive"),
    _case("a duplicate key", "name: x\n«name: y\ntasks:" + A, "E508 line 1"),
    _case(
        "a duplicate key of a task",
        "name: x\ntasks:\n- id: a\n  agent: echo\n  «agent: echo\n",
        "E508 line 4",
    ),
    _case(
        "a duplicate key deep in data",
        HEAD + "- {id: b, agent: echo, parameters: {x: [{k: 1, «k: 2}]}}\n",
        "E508 k",
    ),
    _case("a NUL", "name: x«\0\n", "E503 NUL"),
    _case("a control character", "name: x«\x07\n", "E503 U+0007"),
    _case("an escape character", "name: «\x1b[31mred\n", "E503 U+001B"),
    _case("a C1 control character", "name: «\x9b31m\n", "E503 U+009B"),
    _case("not a number", HEAD + "- {id: b, agent: echo, parameters: {x: «.nan}}\n", "E515 quote"),
    _case("infinity", HEAD + "- {id: b, agent: echo, parameters: {x: «-.inf}}\n", "E515 quote"),
    _case(
        "a number over 64 bits",
        HEAD + "- {id: b, agent: echo, parameters: {x: «9223372036854775808}}\n",
        "E515 64",
    ),
    _case("a huge exponent", HEAD + "- {id: b, agent: echo, parameters: {x: «1e999}}\n", "E515 large"),
    _case("a number of a thousand digits", HEAD + f"x-n: «{'9' * 1000}\n", "E515 quote"),
    _case("nested lists", "name: x\ntasks: " + "[" * 49 + "«" + "[" * 10, "E513 50"),
    _case("nested blocks", "- " * 50 + "«" + "- " * 20 + "x", "E513 50"),
]

JSON = [
    _json("json: empty object", "«{}", "E603 name", "E603 tasks"),
    _json("json: a trailing comma", '{"name": "x"«,}', "E506 trailing"),
    _json("json: a trailing comma in a list", '{"tasks": [1«,]}', "E506 trailing"),
    _json("json: single quotes", "{\"name\": «'x'}", "E506 double"),
    _json("json: a bare key", '{«name: "x"}', "E506 quotes"),
    _json("json: a bare word", '{"name": «hello}', "E506 quotes"),
    _json("json: a comment", '{«// note\n"name": "x"}', "E506 comment"),
    _json("json: a hash comment", '{"name": «# note\n"x"}', "E506 comment"),
    _json("json: a missing colon", '{"name" «"x"}', "E506 ':'"),
    _json("json: a missing comma", '{"name": "x"\n «"tasks": []}', "E506 ','"),
    _json("json: a missing bracket", '«{"name": "x", "tasks": []', "E506 never"),
    _json("json: a missing bracket of a list", '{"name": "x", "tasks": «[{}', "E506 never"),
    _json("json: the wrong bracket", '{"tasks": [1«}', "E506 ']'"),
    _json("json: text after the end", '{"name": "x"} «x', "E506 end"),
    _json("json: NaN", '{"x-a": «NaN}', "E506 NaN"),
    _json("json: None", '{"x-a": «None}', "E506 null"),
    _json("json: a leading zero", '{"x-a": «01}', "E506 zero"),
    _json("json: a plus", '{"x-a": «+1}', "E506 number"),
    _json("json: no digit after the point", '{"x-a": «1.}', "E506 point"),
    _json("json: a line end in text", '{"name": «"x\ny"}', "E506 \\n"),
    _json("json: a tab in text", '{"name": "x«\ty"}', "E506 U+0009"),
    _json("json: an unknown escape", '{"name": "x«\\qy"}', "E506 backslash"),
    _json("json: half a character", '{"name": «"x\\ud800y"}', "E506 half"),
    _json("json: an open text", '{"name": «"x', "E506 quote"),
    _json("json: nothing after a colon", '{"name"«:', "E506 ends"),
    _json(
        "json: a duplicate key",
        '{"name": "x", "tasks": [{"id": "a", "agent": "echo",\n «"agent": "echo"}]}',
        "E508 line 1",
    ),
    _json(
        "json: a number over 64 bits",
        '{"name": "x", "x-n": «-9223372036854775809, "tasks": [{"id": "a", "agent": "echo"}]}',
        "E515 64",
    ),
    _json(
        "json: a huge exponent",
        '{"name": "x", "x-n": «1e400, "tasks": [{"id": "a", "agent": "echo"}]}',
        "E515 large",
    ),
    _json("json: nested lists", '{"tasks": ' + "[" * 49 + "«" + "[" * 10, "E513 50"),
    _json("json: a wrong type", '{"name": «5, "tasks": [{"id": "a", "agent": "echo"}]}', "E601 text"),
    _json(
        "json: a column behind wide characters",
        '{"name": "日本 😀", «"taks": 1}',
        "E602 tasks",
    ),
    _case("json by its first character", ' {"name": "x"«,}', "E506 trailing", file="workflow"),
]

TOP_LEVEL = [
    _case("nothing but a name", "«name: x\n", "E603 tasks"),
    _case("no name", "«tasks:" + A, "E603 name"),
    _case("no tasks in the list", "name: x\ntasks: «[]\n", "E607 empty"),
    _case("tasks without a value", "name: x\n«tasks:\n", "E601 nothing"),
    _case("tasks as a mapping", "name: x\ntasks:\n  «a: {agent: echo}\n", "E601 list"),
    _case("a task that is text", "name: x\ntasks:\n- «build\n", "E601 mapping"),
    _case("a task that is nothing", "name: x\ntasks:" + A + "-«\n", "E601 mapping"),
    _case("a blank name", 'name: «" "\ntasks:' + A, "E607 empty"),
    _case("a number as a name", "name: «2024\ntasks:" + A, "E601 quote"),
    _case("a name of two lines", 'name: «"a\\nb"\ntasks:' + A, "E618 one line"),
    _case("a name that turns round", 'name: «"a\\u202eb"\ntasks:' + A, "E618 U+202E"),
    _case("a name that is too long", f"name: «{'x' * 201}\ntasks:" + A, "E618 200"),
    _key("a misspelt key", "«descripton: y", "E602 description"),
    _key("a key from elsewhere", "«jobs: {}", "E602 known keys"),
    _key("a number as a key", "«1: x", "E602 '1'"),
    _key("an old version", 'version: «"0.9"', "E608 1.0"),
    _key("a later version", "version: «2", "E608 1.0"),
    _key("a version that is no version", "version: «[1, 0]", "E608 list"),
    _key("a version that is true", "version: «true", "E608 1.0"),
    _key("unknown metadata", "metadata: {«autor: me}", "E602 author"),
    _key("tags that are text", "metadata: {tags: «web}", "E601 [web]"),
    _key("a tag that is a number", "metadata: {tags: [a, «5]}", "E601 text"),
    _key("a tag twice", "metadata: {tags: [a, «a]}", "E707 twice"),
    _key("a misspelt setting", "settings: {«max_paralel: 2}", "E602 max_parallel"),
    _key("max_parallel of zero", "settings: {max_parallel: «0}", "E605 at least 1"),
    _key("max_parallel as text", 'settings: {max_parallel: «"3"}', "E601 remove the quotes"),
    _key("max_parallel with a fraction", "settings: {max_parallel: «1.5}", "E601 whole"),
    _key("max_parallel that is true", "settings: {max_parallel: «true}", "E601 whole"),
    _key("a timeout in words", "settings: {timeout: «five minutes}", "E606 5m"),
    _key("a timeout of zero", "settings: {timeout: «0}", "E605 more than 0"),
    _key("a negative timeout", "settings: {timeout: «-5}", "E605 more than 0"),
    _key("a timeout with units in disorder", "settings: {timeout: «30m1h}", "E606 duration"),
    _key("a timeout with an unknown unit", "settings: {timeout: «5w}", "E606 duration"),
    _key("a timeout of a century", "settings: {timeout: «36500d}", "E605 ten years"),
    _key("on_failure of a task in settings", "settings: {on_failure: «skip}", "E604 stop"),
    _key("a misspelt choice", "settings: {on_failure: «contine}", "E604 continue"),
    _key("less output stored than can be", "settings: {stored_output: «1MiB}", "E605 64 MiB"),
    _key("an output as large as the moon", "settings: {stored_output: «2000TiB}", "E605 1024 TiB"),
    _key("a size in words", "settings: {stored_output: «much}", "E606 256MiB"),
    _key("a pool without capacity", "settings: {resources: {gpu: «0}}", "E605 at least 1"),
    _key("a pool with an odd name", "settings: {resources: {«my gpu: 1}}", "E609 letters"),
    _key("an unknown budget", "settings: {budget: {«eur: 1}}", "E602 known keys"),
    _key("a budget of nothing", "settings: {budget: {usd: «0}}", "E605 more than 0"),
    _key("options that are a list", "settings: {options: «[a]}", "E601 mapping"),
    _key("settings that are text", "settings: «fast", "E601 mapping"),
    _key("a context that is a list", "context: «[a]", "E601 mapping"),
    _key("a misspelt context", "context: {«vars: {}}", "E602 variables"),
    _key("variables that are a list", "context: {variables: «[a]}", "E601 mapping"),
    _key("a reserved variable", "context: {variables: {«run: 1}}", "E703 reserved"),
    _key("a variable with a space", "context: {variables: {«my var: 1}}", "E609 letters"),
    _key("a secret that is a number", "context: {secrets: {PIN: «1234}}", "E616 text"),
    _key("a secret from nowhere", "context: {secrets: {T: «'env:'}}", "E616 missing"),
    _key("a secret from an odd variable", "context: {secrets: {T: «'env:A B'}}", "E616 variable"),
    _key("a secret outside the project", "context: {secrets: {T: «file:/etc/passwd}}", "E611 relative"),
    _key("a secret above the project", "context: {secrets: {T: «file:../key}}", "E611 below"),
    _key("a secret at home", "context: {secrets: {T: «file:~/key}}", "E611 relative"),
    _key("an empty secret", "context: {secrets: {T: «''}}", "E616 empty"),
    _key("a secret with a hole", "context: {secrets: {T: «'${token}'}}", "E616 env:NAME"),
    _case(
        "a literal secret that stands elsewhere too",
        "name: x\ncontext:\n  secrets:\n    «T: «hunter22\ntasks:\n- {id: a, agent: echo, description: hunter22}\n",
        "E617 elsewhere",
        "W651 written",
    ),
]

INPUTS = [
    _key("inputs that are a list", "inputs: «[a]", "E601 mapping"),
    _key("an input that is text", "inputs: {n: «string}", "E601 mapping"),
    _key("a type from Python", "inputs: {n: {type: «int}}", "E604 integer"),
    _key("a misspelt type", "inputs: {n: {type: «integr}}", "E604 integer"),
    _key("an unknown key of an input", "inputs: {n: {«defualt: 1}}", "E602 default"),
    _key("a default of the wrong type", "inputs: {n: {type: integer, default: «abc}}", "E614 integer"),
    _key("a boolean that is text", "inputs: {n: {type: boolean, default: «yes}}", "E614 boolean"),
    _key("a required input with a default", "inputs: {n: {required: true, default: «a}}", "E614 never"),
    _key("a default outside the enum", "inputs: {n: {enum: [a, b], default: «c}}", "E614 enum"),
    _key("an enum of the wrong type", "inputs: {n: {type: integer, enum: [1, «b]}}", "E614 integer"),
    _key("an empty enum", "inputs: {n: {enum: «[]}}", "E607 empty"),
    _key("an enum value twice", "inputs: {n: {enum: [a, «a]}}", "E707 twice"),
    _key("required that is text", 'inputs: {n: {required: «"yes"}}', "E601 true"),
    _key("a reserved input", "inputs: {«secrets: {}}", "E703 reserved"),
    _key("an input with a dot", "inputs: {«a.b: {}}", "E609 letters"),
    _case(
        "an input named like a task",
        "name: x\ninputs: {a: {}}\ntasks:\n- {id: «a, agent: echo}\n",
        "E701 line 2",
    ),
    _key("a variable named like an input", "inputs: {n: {}}\ncontext: {variables: {«n: 1}}", "E701 input"),
]

TASKS = [
    _case("a task without an id", "name: x\ntasks:\n- «agent: echo\n", "E603 id"),
    _case("a task without an agent", "name: x\ntasks:\n- «id: a\n", "E603 agent"),
    _case("an empty task", "name: x\ntasks:\n- «{}\n", "E603 agent", "E603 id"),
    _task("a misspelt key of a task", "«dependancies: [a]", "E602 dependencies"),
    _task("a key from elsewhere in a task", "«image: python", "E602 known keys"),
    _task("needs instead of dependencies", "«when: true", "E602 known keys"),
    _case("a number as an id", "name: x\ntasks:\n- {id: «1, agent: echo}\n", "E601 text"),
    _case("an id that starts with a digit", "name: x\ntasks:\n- {id: «1st, agent: echo}\n", "E609 digit"),
    _case("an id with a space", "name: x\ntasks:\n- {id: «my task, agent: echo}\n", "E609 letters"),
    _case("an id with a path", "name: x\ntasks:\n- {id: «../x, agent: echo}\n", "E609 letters"),
    _case("an id in Cyrillic", "name: x\ntasks:\n- {id: «задача, agent: echo}\n", "E609 letters"),
    _case("an id of 65 characters", f"name: x\ntasks:\n- {{id: «{'a' * 65}, agent: echo}}\n", "E609 64"),
    _case("an empty id", "name: x\ntasks:\n- {id: «'', agent: echo}\n", "E609 id"),
    _case("a reserved id", "name: x\ntasks:\n- {id: «inputs, agent: echo}\n", "E703 reserved"),
    _case(
        "an id that is a word of the language",
        "name: x\ntasks:\n- {id: «'true', agent: echo}\n",
        "E703 reserved",
    ),
    _case("the same id twice", HEAD + "- {id: «a, agent: echo}\n", "E701 line 3"),
    _case("ids that differ in case", HEAD + "- {id: «A, agent: echo}\n", "E702 case"),
    _task("dependencies that are text", "dependencies: «a", "E601 [a]"),
    _task("a dependency that is a number", "dependencies: [a, «5]", "E601 text"),
    _task("an unknown dependency", "dependencies: [«b]", "E704 'b'"),
    _case(
        "a misspelt dependency",
        "name: x\ntasks:\n- {id: design, agent: echo}\n- {id: b, agent: echo, dependencies: [«desing]}\n",
        "E704 design",
    ),
    _task("a dependency twice", "dependencies: [a, «a]", "E707 twice"),
    _task("a dependency on itself", "dependencies: [«t]", "E705 itself"),
    _case(
        "a cycle of two",
        "name: x\ntasks:\n- {id: a, agent: echo, dependencies: [«b]}\n- {id: b, agent: echo, dependencies: [a]}\n",
        "E706 a -> b -> a",
    ),
    _case(
        "a cycle of three behind a task",
        "name: x\ntasks:\n- {id: s, agent: echo}\n- {id: a, agent: echo, dependencies: [s, «c]}\n"
        "- {id: b, agent: echo, dependencies: [a]}\n- {id: c, agent: echo, dependencies: [b]}\n",
        "E706 a -> c -> b -> a",
    ),
    _case(
        "two cycles",
        "name: x\ntasks:\n- {id: a, agent: echo, dependencies: [«b]}\n- {id: b, agent: echo, dependencies: [a]}\n"
        "- {id: c, agent: echo, dependencies: [«d]}\n- {id: d, agent: echo, dependencies: [c, a]}\n",
        "E706 a -> b -> a",
        "E706 c -> d -> c",
    ),
    _case("an unknown agent", "name: x\ntasks:\n- {id: a, agent: «ehco}\n", "E801 echo"),
    _case("an agent like no other", "name: x\ntasks:\n- {id: a, agent: «zzzzzzzz}\n", "E801 known agents"),
    _case("no agents in the list", "name: x\ntasks:\n- {id: a, agent: «[]}\n", "E607 empty"),
    _case("an agent twice", "name: x\ntasks:\n- {id: a, agent: [echo, «echo]}\n", "E707 twice"),
    _case("an unknown fallback", "name: x\ntasks:\n- {id: a, agent: [echo, «nobody]}\n", "E801 nobody"),
    _case("an agent that is a number", "name: x\ntasks:\n- {id: a, agent: «5}\n", "E601 text"),
    _case(
        "an agent that is a mapping",
        "name: x\ntasks:\n- {id: a, agent: «{name: echo}}\n",
        "E601 text",
    ),
    _case("a parameter missing", "name: x\ntasks:\n- «id: a\n  agent: shell\n", "E803 command"),
    _case(
        "a parameter missing among others",
        "name: x\ntasks:\n- id: a\n  agent: shell\n  «parameters: {output: text}\n",
        "E803 command",
    ),
    _case(
        "a parameter that is not known",
        "name: x\ntasks:\n- {id: a, agent: shell, parameters: {command: ls, «shell: bash}}\n",
        "E802 shell",
    ),
    _case(
        "a misspelt parameter",
        "name: x\ntasks:\n- {id: a, agent: shell, parameters: {«comand: ls}}\n",
        "E802 command",
    ),
    _case(
        "an agent whose definition is broken",
        "name: x\ntasks:\n- {id: a, agent: [echo, «broken], options: {}}\n",
        "E805 broken.md:2:7",
    ),
    _case(
        "an option that is not known",
        "name: x\ntasks:\n- {id: a, agent: choosy, options: {«modell: opus}}\n",
        "E806 model",
    ),
    _case(
        "an option that nothing is like",
        "name: x\ntasks:\n- {id: a, agent: choosy, options: {«zzzzzz: 1}}\n",
        "E806 known",
    ),
    _case(
        "a default option that no agent knows",
        "name: x\nsettings: {options: {«modell: opus}}\ntasks:\n- {id: a, agent: choosy}\n- {id: b, agent: echo}\n",
        "E806 model",
    ),
    _case(
        "an option with an impossible value",
        "name: x\ntasks:\n- {id: a, agent: choosy, options: {turns: «0}}\n",
        "E605 turns",
    ),
    _task("parameters that are text", "parameters: «do it", "E601 mapping"),
    _case(
        "options of an agent without options",
        "name: x\ntasks:\n- {id: a, agent: echo, «options: {model: opus}}\n",
        "E804 options",
    ),
    _case(
        "verify of an agent without it",
        "name: x\ntasks:\n- {id: a, agent: echo, «verify: ls}\n",
        "E804 verify",
    ),
    _case(
        "a session of an agent without it",
        HEAD + "- {id: b, agent: echo, dependencies: [a], «session: a}\n",
        "E804 session",
    ),
    _case(
        "an idle timeout of an agent without it",
        "name: x\ntasks:\n- {id: a, agent: echo, «idle_timeout: 5}\n",
        "E804 idle_timeout",
    ),
    _case(
        "a hand-off to an agent without it",
        "name: x\ntasks:\n- {id: a, agent: echo, «handoff: none}\n",
        "E804 handoff",
    ),
    _case(
        "a schema for an agent without it",
        "name: x\ntasks:\n- {id: a, agent: echo, «output_schema: {type: object}}\n",
        "E804 output_schema",
    ),
    _case(
        "a fallback that cannot do what the first can",
        "name: x\ntasks:\n- {id: a, agent: [all, echo], «verify: ls}\n",
        "E804 'echo'",
    ),
    _task("a number as a condition", "condition: «5", "E601 expression"),
    _task("a condition without a value", "«condition:", "E601 nothing"),
    _task("an empty condition", "condition: «''", "E607 empty"),
    _task("an empty hole as a condition", "condition: «'${ }'", "E607 empty"),
    _task(
        "a condition with text around",
        "dependencies: [a]\ncondition: \"«${a.status} == 'success'\"",
        "E613 one whole",
    ),
    _task(
        "two holes in a condition", 'dependencies: [a]\ncondition: "«${a.output} && ${a.output}"', "E613 hole"
    ),
    _task(
        "a hole in the middle of a condition",
        "dependencies: [a]\ncondition: \"a.output == '«${x}'\"",
        "E613 directly",
    ),
    _task("retry as a number", "retry: «3", "E601 mapping"),
    _task("no attempts", "retry: {max_attempts: «0}", "E605 first attempt"),
    _task("attempts as text", "retry: {max_attempts: «many}", "E601 whole"),
    _task("a negative delay", "retry: {delay: «-1}", "E605 0 or more"),
    _task("a delay in words", "retry: {delay: «soon}", "E606 duration"),
    _task("an unknown backoff", "retry: {backoff: «exponental}", "E604 exponential"),
    _task(
        "a longest delay that is shorter",
        "retry: {delay: 10, max_delay: «5}",
        "E605 shorter",
    ),
    _task("a misspelt key of retry", "retry: {«attempts: 3}", "E602 max_attempts"),
    _task("a timeout that is a list", "timeout: «[5]", "E606 list"),
    _task("an idle timeout of zero", "idle_timeout: «0s", "E605 more"),
    _task("on_failure of the workflow in a task", "on_failure: «stop", "E604 skip"),
    _task("a run_if from elsewhere", "dependencies: [a]\nrun_if: «all_sucess", "E604 all_success"),
    _task("a priority with a fraction", "priority: «1.5", "E601 whole"),
    _task("a folder outside", "cwd: «/tmp", "E611 relative"),
    _task("a folder above", "cwd: «a/../../b", "E611 below"),
    _task("a folder at home", "cwd: «~/x", "E611 relative"),
    _task("a folder with a hole", "cwd: «'${dir}'", "E611 holes"),
    _task("a folder that is a number", "cwd: «5", "E601 path"),
    _task("a variable of the dynamic linker", "env: {«LD_PRELOAD: x.so}", "E612 LD_PRELOAD"),
    _task("a variable of Python", "env: {«PYTHONPATH: x}", "E612 PYTHONPATH"),
    _task("a variable of git", "env: {«GIT_SSH_COMMAND: x}", "E612 GIT_SSH"),
    _task("a proxy in lower case", "env: {«https_proxy: x}", "E612 proxy"),
    _task("another address for Claude", "env: {«ANTHROPIC_BASE_URL: 'http://x'}", "E612 ANTHROPIC"),
    _task("one of our own variables", "env: {«ACTORFLOW_RUN_ID: x}", "E612 ACTORFLOW"),
    _task("a variable with a hyphen", "env: {«MY-VAR: x}", "E609 letters"),
    _task("a variable that is a number", "env: {PORT: «8080}", "E601 quote"),
    _task("an env that is a list", "env: «[A=1]", "E601 mapping"),
    _task("an unknown resource", "resources: {«gpu: 1}", "E709 gpu"),
    _case(
        "more of a resource than there is",
        "name: x\nsettings: {resources: {gpu: 1}}\ntasks:\n- {id: a, agent: echo, resources: {gpu: «2}}\n",
        "E710 only 1",
    ),
    _task("a session of itself", "session: «t", "E705 itself"),
    _task("a session of nobody", "session: «zzz", "E704 zzz"),
    _task("a session of a task it does not wait for", "session: «a", "E708 add 'a'"),
    _task("a hand-off in words", "handoff: «all", "E604 direct"),
    _task("a hand-off from nobody", "handoff: [«zzz]", "E704 zzz"),
    _task("a hand-off from a task it does not wait for", "handoff: [«a]", "E708 dependencies"),
    _task("an empty verify", "verify: «' '", "E607 empty"),
    _task("verify as a list", "verify: «[pytest]", "E601 text"),
]

OUTPUT_SCHEMAS = [
    _task("a schema that is text", "output_schema: «string", "E601 mapping"),
    _task("an unknown type", "output_schema: {type: «strng}", "E615 string"),
    _task("an unknown keyword", "output_schema: {type: object, «propertys: {}}", "E615 properties"),
    _task("properties as a list", "output_schema: {properties: «[a]}", "E615 mapping"),
    _task("a property that is text", "output_schema: {properties: {a: «string}}", "E615 type: string"),
    _task("required as text", "output_schema: {required: «a}", "E615 list"),
    _task("a pattern with a look-ahead", "output_schema: {pattern: «'(?=a)b'}", "E615 RE2"),
    _task("a reference to elsewhere", "output_schema: {$ref: «'http://x/y'}", "E615 inside"),
    _task("a reference to nothing", "output_schema: {$ref: «'#/$defs/a'}", "E615 inside"),
    _task("a negative size", "output_schema: {minLength: «-1}", "E615 0 or more"),
    _task("no alternatives", "output_schema: {anyOf: «[]}", "E615 at least one"),
    _task(
        "a mistake deep inside",
        "output_schema:\n  items:\n    properties:\n      a: {minimum: «x}",
        "E615 number",
    ),
]

HOOKS = [
    _key("a misspelt hook", "hooks: {«on_sucess: []}", "E602 on_success"),
    _key("hooks as a list", "hooks: «[a]", "E601 mapping"),
    _key(
        "a hook that is no list",
        "hooks: {on_start: «{id: h, agent: echo}}",
        "E601 list",
    ),
    _key(
        "a hook with dependencies",
        "hooks: {on_start: [{id: h, agent: echo, «dependencies: [a]}]}",
        "E610 hooks",
    ),
    _key(
        "a hook with a condition",
        "hooks: {on_complete: [{id: h, agent: echo, «condition: true}]}",
        "E610 condition",
    ),
    _key("a hook with run_if", "hooks: {on_failure: [{id: h, agent: echo, «run_if: always}]}", "E610 run_if"),
    _key("a hook named like a task", "hooks: {on_start: [{id: «a, agent: echo}]}", "E701 line 3"),
    _key(
        "a hook named like another",
        "hooks: {on_start: [{id: h, agent: echo}], on_success: [{id: «h, agent: echo}]}",
        "E701 twice",
    ),
    _key("a hook without an agent", "hooks: {on_start: [«{id: h}]}", "E603 agent"),
    _key("a hook with an unknown agent", "hooks: {on_start: [{id: h, agent: «nobody}]}", "E801 nobody"),
    _case(
        "a dependency on a hook",
        "name: x\ntasks:\n- {id: a, agent: echo, dependencies: [«h]}\nhooks: {on_start: [{id: h, agent: echo}]}\n",
        "E704 hook",
    ),
    _key(
        "an early hook with a session",
        "hooks: {on_start: [{id: h, agent: all, session: «a}]}",
        "E708 on_start",
    ),
]

MANY = [
    _case(
        "many mistakes at once",
        "name: x\n«taks: []\nsettings: {max_parallel: «0, «tmeout: 5}\ntasks:\n- {id: a, agent: «ech, dependencies: [«b]}\n"
        "- {id: «a, agent: echo, timeout: «soon}\n",
        "E602 tasks",
        "E605 1",
        "E602 timeout",
        "E801 echo",
        "E704 b",
        "E701 twice",
        "E606 soon",
    ),
    _case(
        "faults of reading beside mistakes of meaning",
        "name: x\n«name: y\ntasks:\n- {id: a, agent: «zzz, timeout: «*five}\n",
        "E508 twice",
        "E801 zzz",
        "E509 five",
    ),
    _case("carriage returns", "name: x\r\ntasks:\r\n- {id: a, agent: «zzz}\r\n", "E801 zzz"),
    _case("a byte order mark", "\ufeffname: x\ntasks:\n- {id: a, agent: «zzz}\n", "E801 zzz"),
    _case(
        "wide characters before the place",
        "name: x\ntasks:\n- {description: 日本語 😀, id: a, agent: «zzz}\n",
        "E801 zzz",
    ),
]

ALL = [*READING, *JSON, *TOP_LEVEL, *INPUTS, *TASKS, *OUTPUT_SCHEMAS, *HOOKS, *MANY]
