"""Writes test/fixtures/chat/families.json: published chat templates and what transformers renders with them.

The templates are those TRL ships (Apache-2.0) of models whose licence allows it. With a path and folders, all templates
in the folders are taken and written to that path, for files-templates-check.ts: so 178 templates were compared
(TRL 1.16, axolotl 0.19, llama.cpp's models/templates). Made with transformers 5.24, jinja2 3.1.6:
python test/reference/files-templates.py [OUT.json FOLDER...]
"""
import json
import sys
from datetime import datetime
from pathlib import Path
from unittest import mock

import trl
from transformers.utils import chat_template_utils

OUT = Path(__file__).parent.parent / "fixtures" / "chat" / "families.json"
SHIPPED = Path(trl.__file__).parent / "chat_templates"
# Qwen: Apache-2.0; DeepSeek, GLM, Phi: MIT. The GLM one has line ends of Windows.
NAMES = ["qwen2_5", "qwen3", "qwen3_training", "deepseekv3", "glm4moe_training", "phi3"]
VARIABLES = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
NOW = datetime(2024, 7, 26)


class FrozenDatetime(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Wetter für <Ort> & \"Tag\"", "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "A city"}, "days": {"type": "integer", "default": 1}, "unit": {"type": "string", "enum": ["c", "f"]}, "list": {"type": "array", "items": {"type": "string"}}}, "required": ["city"]}}}]
CALL = {"role": "assistant", "content": "", "tool_calls": [{"id": "abcdefghi", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Köln", "days": 2, "precise": True, "limit": None, "f": 1.5}}}]}


def user(content):
    return {"role": "user", "content": content}


def answer(content, **more):
    return {"role": "assistant", "content": content, **more}


CHATS = [
    [user("Hi"), answer("Hello!")],
    [{"role": "system", "content": "  Be brief.\n"}, user("Hi "), answer(" Yes? "), user("2+2?"), answer("4\n")],
    [user("Ünïcode 😀 {{ x }}\n"), answer("\n\n    line\n\n<b> & 'q' \"q\" \\n")],
    [user("Think."), answer("<think>\nhm\n</think>\n\nDone."), user("Again."), answer("<think>\nhm hm\n</think>\n\nDone again.")],
    [user("Think."), answer("Done.", reasoning_content="well\n"), user("More"), answer("Ok", reasoning_content="hm")],
    [user("q")],
    [user("Weather?"), CALL, {"role": "tool", "content": "{\"t\": 21.5}", "name": "get_weather", "tool_call_id": "abcdefghi"}, answer("21.5 degrees")],
    [{"role": "system", "content": "sys"}, user("a"), user("b")],
    [answer("I begin"), user("Fine")],
    [{"role": "user", "content": [{"type": "text", "text": "part one"}, {"type": "text", "text": "part two"}]}, answer("ok")],
    [{"role": "developer", "content": "dev"}, user("x"), answer("y")],
]
SETTINGS = [(False, None, {}), (True, None, {}), (True, TOOLS, {}), (True, None, {"enable_thinking": False})]


def main() -> None:
    out, folders = (Path(sys.argv[1]), sys.argv[2:]) if len(sys.argv) > 1 else (OUT, [])
    files = sorted(f for folder in folders for f in Path(folder).rglob("*.jinja")) or [SHIPPED / f"{n}.jinja" for n in NAMES]
    templates = {str(f) if folders else f.stem: f.read_bytes().decode() for f in files}
    cases = []
    with mock.patch.object(chat_template_utils, "datetime", FrozenDatetime):
        for name, template in templates.items():
            for index, chat in enumerate(CHATS):
                for prompt, tools, more in SETTINGS:
                    case = {"template": name, "chat": index, "addGenerationPrompt": prompt, "tools": tools is not None, "variables": more}
                    try:
                        rendered, _ = chat_template_utils.render_jinja_template([chat], tools=tools, chat_template=template, add_generation_prompt=prompt, **VARIABLES, **more)
                        case["text"] = rendered[0]
                    except Exception as thrown:
                        case["error"] = f"{type(thrown).__name__}: {thrown}"
                    cases.append(case)
    head = json.dumps({"now": NOW.isoformat(), "specialTokens": VARIABLES, "templates": templates, "tools": TOOLS, "chats": CHATS}, ensure_ascii=False)
    out.write_text(head[:-1] + ',\n"cases": [\n' + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]}\n")


main()
