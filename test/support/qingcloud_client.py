"""A client of the QingCloud wire in Python, as the Python SDK and the command line tool on top of it behave: its own
signature, every value as text, lists as name.N, GET in the query string, POST in the body in the order of insertion with
+ for spaces, one connection that stays open, and one more try after 5000 and 5100.

Reads requests from standard input, one JSON text a line: {"action", "method", "parameters"}. Writes one line of JSON for
each: the answer as it came, and how many connections were made until then.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import sys
import time
import uuid
from urllib.parse import quote, urlencode

HOST, PORT = os.environ["WIRE_HOST"], int(os.environ["WIRE_PORT"])
KEY_ID, SECRET = os.environ["WIRE_KEY_ID"], os.environ["WIRE_SECRET"]
ZONE, PATH = os.environ["WIRE_ZONE"], "/iaas/"


def flatten(parameters):
    """Parameters as the wire has them. None and empty lists are left out, empty texts are not."""
    flat = {}
    for name, value in parameters.items():
        if value is None:
            continue
        if not isinstance(value, list):
            flat[name] = str(value)
            continue
        for number, item in enumerate(value, 1):
            if not isinstance(item, dict):
                flat["%s.%d" % (name, number)] = str(item)
                continue
            for field, inner in item.items():
                if isinstance(inner, (list, dict)):
                    inner = json.dumps(inner, sort_keys=True, separators=(",", ":"))
                if inner is not None:
                    flat["%s.%d.%s" % (name, number, field)] = str(inner)
    return flat


def signed(method, action, parameters):
    """All parameters of a request, `signature` last."""
    now = time.time()
    at = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    everything = dict(flatten(parameters))
    everything.update(
        action=action,
        zone=ZONE,
        req_id=uuid.uuid4().hex,
        expires=at(now + 1200),
        version="1",
        access_key_id=KEY_ID,
        signature_version="1",
        signature_method="HmacSHA256",
        time_stamp=at(now),
    )
    pairs = ["%s=%s" % (quote(name, safe=""), quote(everything[name], safe="-_~")) for name in sorted(everything)]
    text = "\n".join([method, PATH, "&".join(pairs)])
    digest = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()
    everything["signature"] = base64.b64encode(digest).decode()
    return everything


class Connection:
    def __init__(self):
        self.http = None
        self.made = 0

    def ask(self, method, action, parameters):
        for last_try in (False, True):
            status, content_type, answer = self.send(method, signed(method, action, parameters))
            if last_try or (status == 200 and answer.get("ret_code") not in (5000, 5100)):
                return {"status": status, "type": content_type, "answer": answer, "connections": self.made}

    def send(self, method, parameters):
        if self.http is None or self.http.sock is None:
            self.http = http.client.HTTPConnection(HOST, PORT, timeout=30)
            self.made += 1
        if method == "GET":
            query = "&".join("%s=%s" % (name, quote(value, safe="-_~")) for name, value in parameters.items())
            self.http.request("GET", PATH + "?" + query, headers={"Accept": "*/*"})
        else:
            headers = {"Accept": "text/plain", "Content-Type": "application/x-www-form-urlencoded"}
            self.http.request("POST", PATH, urlencode(parameters), headers)
        response = self.http.getresponse()
        return response.status, response.getheader("Content-Type"), json.loads(response.read().decode())


connection = Connection()
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(connection.ask(request["method"], request["action"], request["parameters"])), flush=True)
