"""Is the SMTP server that a letter goes to, by aiosmtpd, and whoever reads it, by Python's own parser: follows its link once, and once more.

letters.py PORT COOKIE: says "ready", reads the address of the server that has sent it, and prints what was received and answered.
"""

import email, email.policy, html.parser, json, queue, sys, urllib.error, urllib.parse, urllib.request

from aiosmtpd.controller import Controller

PATIENCE_S = 60


class Tray:
    def __init__(self):
        self.letters = queue.Queue()

    async def handle_DATA(self, server, session, envelope):
        self.letters.put(envelope)
        return "250 taken"


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.language = [], None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "a":
            self.found.append(attributes["href"])
        if tag == "html":
            self.language = attributes["lang"]


def sign_in(cookie):
    headers = {"Content-Type": "application/json", "Cookie": cookie}
    body = json.dumps({"token": link.fragment}).encode()
    request = urllib.request.Request(base + "/api/v1/auth/sessions/link", data=body, method="POST", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


port, cookie = int(sys.argv[1]), sys.argv[2]
tray = Tray()
controller = Controller(tray, hostname="127.0.0.1", port=port)
controller.start()
print("ready", flush=True)
base = sys.stdin.readline().strip()
while True:
    envelope = tray.letters.get(timeout=PATIENCE_S)
    letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert not letter.defects and letter["Message-ID"].startswith("<let_"), letter.items()
    if letter["Subject"] == "Your link to sign in":
        break
assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@lectern.example", ["anna@example.com"]), envelope.rcpt_tos
assert letter["From"] == "Lectern <no-reply@lectern.example>" and letter["To"] == "anna@example.com", letter.items()
assert letter["Auto-Submitted"] == "auto-generated" and letter["Date"].datetime is not None, letter.items()
assert letter.get_content_type() == "multipart/alternative", letter.get_content_type()
text, page = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
links = Links()
links.feed(page)
[address] = links.found
assert links.language == "en" and address in text.splitlines(), text
link = urllib.parse.urlsplit(address)
assert link.path == "/api/v1/auth/link" and link.query == "" and link.fragment.startswith("lm_"), address
with urllib.request.urlopen(base + link.path, timeout=30) as opened:
    assert "script-src 'sha256-" in opened.headers["Content-Security-Policy"]
    assert link.fragment not in opened.read().decode()
answers = [sign_in("lectern-link=" + "A" * 43), sign_in(cookie), sign_in(cookie)]
controller.stop()
print(json.dumps({"statuses": [status for status, _ in answers], "last": answers[2][1], "tokens": answers[1][1]}))
