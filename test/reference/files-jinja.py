"""Writes test/fixtures/chat/jinja.json: what transformers' jinja2 makes of the small templates of files-jinja-cases.jsonl.

A case has `text`, or `error` where jinja2 refuses. Made with transformers 5.24, jinja2 3.1.6:
python test/reference/files-jinja.py
"""
import json
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

HERE = Path(__file__).parent
OUT = HERE.parent / "fixtures" / "chat" / "jinja.json"

MESSAGES = [
    {"role": "system", "content": "  Be brief.\n"},
    {"role": "user", "content": "Hi 😀, \"you\" & 'me'"},
    {"role": "assistant", "content": "\n\n    return x\n", "tool_calls": [{"id": 1, "function": {"name": "f", "arguments": {"b": 1, "a": [True, None, 1.5, "é<&>"]}}}]},
]


def main() -> None:
    cases = []
    for line in (HERE / "files-jinja-cases.jsonl").read_text().splitlines():
        template = json.loads(line)
        case = {"template": template}
        try:
            rendered, _ = render_jinja_template([MESSAGES], chat_template=template, bos_token="<s>")
            again = " at 0x" in rendered[0] or "lipsum" in template  # an address, a random text
            case["text"] = "(another text each time)" if again else rendered[0]
        except Exception as thrown:
            case["error"] = f"{type(thrown).__name__}: {thrown}"
        cases.append(case)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    OUT.write_text(f'{{"messages": {json.dumps(MESSAGES, ensure_ascii=False)},\n"cases": [\n{lines}\n]}}\n')


main()
