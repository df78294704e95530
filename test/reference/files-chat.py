"""Writes test/fixtures/chat: chat templates in the styles in use, what transformers renders, and its assistant masks.

The templates were written for this purpose; between them they use what published templates use.
Made with transformers 5.23, jinja2 3.1. Run after files-tokenizers.py: python test/reference/files-chat.py
"""
import json
from datetime import datetime
from pathlib import Path
from unittest import mock

from transformers import AutoTokenizer
from transformers.utils import chat_template_utils

OUT = Path(__file__).parent.parent / "fixtures" / "chat"
TOKENIZERS = OUT.parent / "tokenizers"

CHATML = """{%- for message in messages %}
    {%- if loop.first and message['role'] != 'system' %}
        {{- '<|im_start|>system\\nYou are a test assistant.<|im_end|>\\n' }}
    {%- endif %}
    {{- '<|im_start|>' + message['role'] + '\\n' }}
    {%- if message.role == 'assistant' %}{% generation %}{{- message['content'] + '<|im_end|>' }}{% endgeneration %}
    {%- else %}{{- message['content'] + '<|im_end|>' }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""

HEADERS = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\nTools: " }}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if message.role == 'tool' or message.role == 'ipython' %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable and message.content is not string %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}{{- raise_exception("This model only supports single tool-calls at once!") }}{%- endif %}
        {%- set call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- call.arguments | tojson }}
        {{- "}<|eot_id|>" }}
    {%- else %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

INST = """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"""

THINKING = """{%- macro system_block(text) -%}
<|im_start|>system
{{ text }}
{%- if tools %}

# Tools
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
{%- endif %}<|im_end|>
{% endmacro -%}
{%- if tools or messages[0].role == 'system' %}
    {{- system_block(messages[0].content if messages[0].role == 'system' else 'You have tools.') }}
{%- endif %}
{%- set ns = namespace(multi_step=true, last_query=messages|length - 1, turns=[]) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step and message.role == "user" and message.content is string and not (message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step = false %}
        {%- set ns.last_query = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == 'system' and loop.first %}{%- continue %}{%- endif %}
    {%- if message.role == 'user' or message.role == 'system' %}
        {{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content ~ '<|im_end|>' ~ '\\n' }}
    {%- elif message.role == 'assistant' %}
        {%- set content = message.content if message.content is string else '' %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {{- '<|im_start|>' + message.role + '\\n' }}
        {%- if loop.index0 > ns.last_query and (loop.last or reasoning) %}
            {{- '<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}{{- '\\n' }}{%- endif %}
                {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
                {{- '<tool_call>\\n{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}{{- tool_call.arguments }}{%- else %}{{- tool_call.arguments | tojson }}{%- endif %}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == 'tool' %}
        {%- if loop.first or (messages[loop.index0 - 1].role != 'tool') %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<tool_response>\\n' }}{{- message.content }}{{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != 'tool') %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""

FILTERS = """{% set users = messages | selectattr('role', 'equalto', 'user') | list %}
{% set names = messages | map(attribute='role') | list %}
{{ names | join(', ') | upper }} {{ users | length }}
{% for role in names | unique %}
  {% if loop.first %}
  first
  {% endif %}
  {{ loop.index }}/{{ loop.length }} {{ role | capitalize }}{{ '' if loop.last else ';' }}
{% endfor %}
{# a comment #}
{%- for message in messages if message.role != 'system' %}
{%- if loop.index > 3 %}{% break %}{% endif %}
[{{ loop.previtem.role if loop.previtem is defined else 'start' }}>{{ message.role }}>{{ loop.nextitem.role if loop.nextitem is defined else 'end' }}] {{ message.content | replace('\\n', '\\\\n') | default('none', true) }}
{%- endfor %}

{{ {'b': 1, 'a': [true, none, 1.5, 'é"<&>']} | tojson }} {{ [3, 1, 2] | sort | first }} {{ [1, 2, 3][-1] }} {{ 'abc'[::-1] }} {{ 7 // 2 }} {{ 7 / 2 }} {{ 7 % 3 }} {{ 2 ** 3 }}
{% for key, value in {'z': 1, 'y': 2}.items() %}{{ key }}={{ value }}{% if not loop.last %}, {% endif %}{% endfor %}
{{ "x" if messages[0].missing is not defined else "y" }} {{ messages[0].missing }} {{ 'yes' if 'a' in 'cat' and 2 not in [1] or false else 'no' }} {{ '%s-%d' | length }} {{ ' pad ' | trim }}|{{ 'one two' | title }}|{{ range(3) | list }}|{{ 1.0 }}|{{ 'a,b'.split(',') | join('+') }}"""

# Python's own spelling of values, which templates rarely print: the JavaScript library differs here.
PRINTING = "{{ none }}|{{ true }}|{{ [1, 'a', none] }}|{{ {'a': 1} }}|{{ -7 % 3 }}|{{ 'x' ~ false }}"

TEMPLATES = {"chatml": CHATML, "headers": HEADERS, "inst": INST, "thinking": THINKING, "filters": FILTERS}

TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Wetter für <Ort> & \"Tag\"", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1}}, "required": ["city"]}}}]
CALL = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Köln", "days": 2, "precise": True, "limit": None}}}]}

CHATS = [
    [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}],
    [{"role": "system", "content": "  Be brief.\n"}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": " Yes? "}, {"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}],
    [{"role": "user", "content": "Ünïcode 😀 {{ not a template }} {% raw %}"}, {"role": "assistant", "content": "line\n\nline <b> & 'q' \"q\" \\n"}],
    [{"role": "user", "content": "Think."}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nDone."}, {"role": "user", "content": "Again."}, {"role": "assistant", "content": "<think>\nhm hm\n</think>\n\nDone again."}],
    [{"role": "user", "content": "only a question"}],
    [{"role": "user", "content": "Weather?"}, CALL, {"role": "tool", "content": "{\"t\": 21.5}"}, {"role": "assistant", "content": "21.5 degrees"}],
    [{"role": "assistant", "content": "I begin"}, {"role": "user", "content": "Fine"}],
    [{"role": "user", "content": "same"}, {"role": "assistant", "content": "same"}, {"role": "user", "content": "same"}, {"role": "assistant", "content": "same"}],
]

NOW = datetime(2024, 3, 5, 14, 7, 9)


class FrozenDatetime(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(str(TOKENIZERS / "smollm"))
    variables = {"bos_token": "<s>", "eos_token": "</s>"}
    cases = []
    with mock.patch.object(chat_template_utils, "datetime", FrozenDatetime):
        for name, template in TEMPLATES.items():
            for index, chat in enumerate(CHATS):
                for prompt, tools in [(False, None), (True, None), (True, TOOLS)]:
                    case = {"template": name, "chat": index, "addGenerationPrompt": prompt, "tools": tools is not None}
                    try:
                        rendered, _ = chat_template_utils.render_jinja_template([chat], tools=tools, chat_template=template, add_generation_prompt=prompt, **variables)
                        case["text"] = rendered[0]
                    except Exception as thrown:
                        case["error"] = str(thrown)
                    cases.append(case)
        printed, _ = chat_template_utils.render_jinja_template([CHATS[0]], chat_template=PRINTING)
    masks = []
    for index, chat in enumerate(CHATS):
        if "tool_calls" in str(chat):
            continue
        out = tokenizer.apply_chat_template(chat, chat_template=CHATML, return_dict=True, return_assistant_tokens_mask=True, tokenize=True)
        masks.append({"chat": index, "ids": out["input_ids"], "mask": out["assistant_masks"]})
    (OUT / "chats.json").write_text(json.dumps({"now": NOW.isoformat(), "templates": TEMPLATES, "tools": TOOLS, "chats": CHATS, "printing": {"template": PRINTING, "text": printed[0]}, "variables": variables}, indent=1, ensure_ascii=False) + "\n")
    (OUT / "expected.json").write_text("[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]\n")
    (OUT / "masks.json").write_text("[\n" + ",\n".join(json.dumps(mask) for mask in masks) + "\n]\n")


main()
