"""A real mail server for the tests. Its one argument says how it behaves, as JSON:

tls       "starttls" or "implicit", with cert and key
login     [user, password]: whoever does not log in sends nothing
answers   {"RCPT": "550 …"}: what is answered instead, {address} filled in; "hang" is no answer
times     how often that is, before all is well
smtputf8  whether it is offered
closes    whether it ends the connection after each mail

It writes its port, then each mail that it took, as a line of JSON to standard error. It ends when
whoever started it does.
"""

import asyncio
import functools
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

OPTIONS = json.loads(sys.argv[1])
PARENT = os.getppid()


def say(**line):
    print(json.dumps(line), file=sys.stderr, flush=True)


class Handler:
    def __init__(self):
        self.times = OPTIONS.get("times", 1_000_000)
        self.mails = 0

    async def instead(self, command, address=""):
        answer = OPTIONS.get("answers", {}).get(command)
        if answer is None or self.times == 0:
            return None
        self.times -= 1
        if answer == "hang":
            say(hangs=command)
            await asyncio.sleep(3600)
        return answer.format(address=address)

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self.instead("MAIL", address) or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = await self.instead("RCPT", address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server, session, envelope):
        answer = await self.instead("DATA", envelope.rcpt_tos[0])
        if answer is None:
            self.mails += 1
            say(
                mail=self.mails,
                sender=envelope.mail_from,
                recipients=envelope.rcpt_tos,
                message=envelope.content.decode(),
                tls=server.transport.get_extra_info("ssl_object") is not None,
                login=session.auth_data,
                connection=session.peer[1],
            )
            if OPTIONS.get("closes"):
                asyncio.get_running_loop().call_later(0.01, server.transport.close)
        return answer or "250 OK"


class Server(SMTP):
    def connection_lost(self, error):
        say(closed=self.session.peer[1])
        super().connection_lost(error)


def authenticate(server, session, envelope, mechanism, data):
    login = [data.login.decode(), data.password.decode()]
    if login == OPTIONS["login"]:
        return AuthResult(success=True, auth_data=login[0])
    # As some servers do, it repeats what it should not.
    return AuthResult(success=False, handled=False, message=f"535 5.7.8 {login} is wrong")


async def main():
    tls, context = OPTIONS.get("tls"), None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(OPTIONS["cert"], OPTIONS["key"])
    smtp = functools.partial(
        Server,
        Handler(),
        hostname="mail.test",
        enable_SMTPUTF8=OPTIONS.get("smtputf8", False),
        tls_context=context if tls == "starttls" else None,
        require_starttls=tls == "starttls",
        authenticator=authenticate,
        auth_required="login" in OPTIONS,
        auth_require_tls=False,
    )
    server = await asyncio.get_running_loop().create_server(
        smtp, "127.0.0.1", 0, ssl=context if tls == "implicit" else None
    )
    say(port=server.sockets[0].getsockname()[1])
    while os.getppid() == PARENT:
        await asyncio.sleep(0.1)


asyncio.run(main())
