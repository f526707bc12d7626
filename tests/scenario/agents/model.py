#!/usr/bin/python3
"""A model that follows a script: the Messages API (anthropic) or the Responses API
(openai) on loopback, as far as an agent needs them. It answers each turn of the agent
with the next step of the plan and writes down what the agent told it.

    model.py anthropic|openai PLAN LOG PORTFILE

PLAN is a JSON list of {"run": COMMAND, "timeout_ms": N} (the agent's own shell is asked
to run it), {"type": TEXT} (into the command that still runs, where the agent's shell lets
one) and {"text": TEXT}; the last step repeats. "after": FILE holds the model's answer
back until that file is there. LOG gets a JSON line for each
turn: {"step": N, "tools": [...], "told": [...]}, told being what came back from tools.
PORTFILE gets the port, once it listens.
"""
import http.server
import json
import os
import re
import sys
import time

API, PLAN, LOG, PORTFILE = sys.argv[1:5]
STEPS = json.load(open(PLAN, encoding="utf-8"))
TURNS = []
RUNNING = []  # the number of the command that still runs, as the agent told it


def note(tools, told):
    with open(LOG, "a", encoding="utf-8") as f:
        f.write(json.dumps({"step": len(TURNS), "tools": tools, "told": told}) + "\n")


def next_step():
    step = STEPS[min(len(TURNS), len(STEPS) - 1)]
    TURNS.append(step)
    while "after" in step and not os.path.exists(step["after"]):
        time.sleep(0.05)
    return step


def texts(v):
    """Every text in what a tool gave back, whatever it is wrapped in."""
    if isinstance(v, str):
        return [v]
    if isinstance(v, list):
        return [t for x in v for t in texts(x)]
    if isinstance(v, dict):
        return [t for k in ("content", "text", "output") if k in v for t in texts(v[k])]
    return []


def anthropic(body):
    tools = [t.get("name") for t in body.get("tools", [])]
    if not tools:  # a title for the session, and the like
        return anthropic_events(body, {"text": "none"}, 0)
    told = []
    for message in reversed(body["messages"]):  # since our own last word
        if message.get("role") == "assistant":
            break
        given = message["content"] if isinstance(message["content"], list) else []
        told = [t for c in given if c.get("type") == "tool_result" for t in texts(c)] + told
    note(tools, told)
    step = next_step()
    return anthropic_events(body, step, len(TURNS))


def anthropic_events(body, step, n):
    runs = "run" in step
    block = ({"type": "tool_use", "id": f"toolu_{n}", "name": "Bash", "input": {}} if runs
             else {"type": "text", "text": ""})
    given = {"command": step.get("run"), "description": "a step of the plan", "timeout": step.get("timeout_ms", 60000)}
    delta = ({"type": "input_json_delta", "partial_json": json.dumps(given)} if runs
             else {"type": "text_delta", "text": step.get("text")})
    return [
        {"type": "message_start", "message": {
            "id": f"msg_{n}", "type": "message", "role": "assistant", "model": body.get("model", ""), "content": [],
            "stop_reason": None, "usage": {"input_tokens": 1, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use" if runs else "end_turn"},
         "usage": {"output_tokens": 2}},
        {"type": "message_stop"}]


def openai(body):
    tools = [t.get("name") or t.get("type") for t in body.get("tools", [])]
    given = body.get("input", [])
    told = []
    for item in reversed(given):  # since our own last word
        if item.get("type") in ("function_call", "message") and item.get("role") != "user":
            break
        if item.get("type") == "function_call_output":
            told = texts(item.get("output")) + told
    note(tools, told)
    RUNNING.extend(int(n) for t in told for n in re.findall(r"running with session ID (\d+)", t))
    step = next_step()
    n = len(TURNS)
    if "type" in step:
        args = {"session_id": RUNNING[-1], "chars": step["type"], "yield_time_ms": step.get("timeout_ms", 5000)}
        item = {"type": "function_call", "id": f"fc_{n}", "call_id": f"call_{n}", "name": "write_stdin",
                "arguments": json.dumps(args), "status": "completed"}
    elif "run" in step:
        if "shell_command" in tools:
            name, args = "shell_command", {"command": step["run"], "timeout_ms": step.get("timeout_ms", 60000)}
        elif "exec_command" in tools:
            name, args = "exec_command", {"cmd": step["run"], "tty": step.get("tty", False),
                                          "yield_time_ms": step.get("timeout_ms", 60000)}
        else:
            name, args = "shell", {"command": ["bash", "-c", step["run"]],
                                   "timeout_ms": step.get("timeout_ms", 60000)}
        item = {"type": "function_call", "id": f"fc_{n}", "call_id": f"call_{n}", "name": name,
                "arguments": json.dumps(args), "status": "completed"}
    else:
        item = {"type": "message", "id": f"m_{n}", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": step["text"], "annotations": []}]}
    usage = {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2}
    return [{"type": "response.created", "response": {"id": f"r_{n}", "status": "in_progress"}},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": {
                "id": f"r_{n}", "status": "completed", "output": [item], "usage": usage}}]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *args):
        pass

    def answer(self, status, kind, data):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(404, "application/json", b"{}")

    do_HEAD = do_GET

    def do_POST(self):
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        mine = "/v1/messages" if API == "anthropic" else "/responses"
        if "count_tokens" in self.path:
            self.answer(200, "application/json", b'{"input_tokens": 1}')
        elif mine not in self.path:
            self.answer(404, "application/json", b"{}")
        else:
            events = (anthropic if API == "anthropic" else openai)(json.loads(data))
            lines = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
            self.answer(200, "text/event-stream", lines.encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(PORTFILE + ".new", "w", encoding="ascii") as f:
    f.write(str(server.server_address[1]))
os.rename(PORTFILE + ".new", PORTFILE)
server.serve_forever()
