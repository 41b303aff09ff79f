"""Each way of news over TLS, by the daemon: peers that show a wrong certificate are told nothing, in words that say why; with the right one they are."""
import os
import re
import shutil
import ssl
import unittest

import harness as h
import test_every_way
from certificates import Certificates
from http_fixture import Client, enrol
from hl7_listener import Listener, says

WRONG = {  # the certificate that is shown: what is said of it, by the DICOM side, by libcurl, and of HL7
    "stranger": ("untrusted certificate: CN=stranger,O=Test, issued by CN=other,O=Test", "SSL certificate problem: unable to get local issuer certificate",
                 "unable to get local issuer certificate"),
    "ended": ("expired certificate: CN=ended,O=Test ended", "SSL certificate problem: certificate has expired", "certificate has expired"),
    "elsewhere": ("wrong name: its certificate is for elsewhere.example.org, called was 127.0.0.1", "SSL: no alternative certificate subject name matches target host name",
                  "IP address mismatch")}


class OverTls(test_every_way.Asked):
    def setUp(self):
        super().setUp()
        self.certificates = made = Certificates()
        self.addCleanup(made.remove)
        for name in ("ca", "other"):
            made.authority(name)
        for name, by, more in (("node", "ca", {}), ("right", "ca", {}), ("stranger", "other", {}), ("ended", "ca", {"days": -1}),
                               ("elsewhere", "ca", {"names": "DNS:elsewhere.example.org"})):
            made.certificate(name, by, **more)
        self.context, self.mutual = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
        self.mutual.load_verify_locations(made.path("ca.crt"))
        self.mutual.verify_mode = ssl.CERT_REQUIRED  # DICOM's: the node shows its own
        self.manager.context = self.mutual
        for server in (self.web.server, self.hook_.server):
            server.socket = self.context.wrap_socket(server.socket, server_side=True)
        self.ai = Listener(says(), self.context)
        self.addCleanup(self.ai.stop)

    def show(self, name):
        for context in (self.context, self.mutual):
            context.load_cert_chain(self.certificates.path(name + ".crt"), self.certificates.path(name + ".key"))

    def test_a_wrong_certificate_is_told_nothing(self):
        self.show("stranger")
        authority, often = self.certificates.path("ca.crt"), 'demo="true" retryFirst="1" retryMost="1"'
        node = self.node(f'<ups name="ris" peer="ris" {often}/><ups name="web" peer="web" {often}/>'
                         f'<hl7 name="ai" host="127.0.0.1" port="{self.ai.port}" tls="true" authorities="{authority}" {often}/>'
                         f'<webhook name="chat" url="https://127.0.0.1:{self.hook_.port}/neck" authorities="{authority}" {often}/>',
                         more=f'<tls certificate="{self.certificates.path("node.crt")}" key="{self.certificates.path("node.key")}" authorities="{authority}"/>'
                         f'<peers><peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{self.manager.port}" tls="true"/>'
                         f'<peer name="web" url="https://127.0.0.1:{self.web.web_port}{self.web.root}/" tokenFile="{self.token}"/></peers>')
        study = self.send(node, "finding")
        for name, (dicom, web, hl7) in WRONG.items():
            self.show(name)
            seen = len(node.log())
            for way, words in (("ris", dicom), ("web", web), ("ai", hl7), ("chat", web)):
                line = rf'announcement-unreached announcement={way} .*reason="[^"\n]*{re.escape(words)}'
                h.wait_for(lambda line=line, seen=seen: re.search(line, node.log()[seen:]), 15, f"{way}: {words}")
        self.assertEqual((self.manager.log, self.web.log, self.ai.raw, self.hook_.requests), ([], [], [], []), "not a byte of a patient")
        self.show("right")
        h.wait_for(lambda: {s[0] for s in self.states(node) if s[2] == "told"} == {"ris", "web", "ai", "chat"}, 15, "all four")
        for manager in (self.manager, self.web):
            self.assertEqual([i.StudyInstanceUID for i in manager.items.values()], [study])
            self.assertEqual(manager.violations, [])
        self.assertTrue(all(study.encode() in raw for raw in self.ai.raw))
        self.assertEqual({n["study"] for n in self.hook_.news()}, {study})

    def put(self, name, key=None):
        """The node's files for HL7 are these from now on."""
        for suffix, of in ((".crt", name), (".key", key or name)):
            shutil.copy(self.certificates.path(of + suffix), self.certificates.path("own.new"))
            os.replace(self.certificates.path("own.new"), self.certificates.path("own" + suffix))

    def test_a_receiver_that_demands_the_nodes_certificate(self):
        """Mutual TLS of HL7: what is wrong with ours is told by the log and by check, and a renewal needs no reload."""
        self.show("right")
        made, receivers = self.certificates, {"bare": Listener(says(), self.mutual), "ai": Listener(says(), self.mutual)}
        made.certificate("late", "ca", days=-1)
        for receiver in receivers.values():
            self.addCleanup(receiver.stop)
        self.put("stranger")
        ours = {"bare": "", "ai": f'certificate="{made.path("own.crt")}" key="{made.path("own.key")}"'}
        node = self.node("".join(f'<hl7 name="{name}" host="127.0.0.1" port="{receiver.port}" tls="true" authorities="{made.path("ca.crt")}" {ours[name]} '
                                 'demo="true" retryFirst="1" retryMost="1"/>' for name, receiver in receivers.items()), console=f'accounts="{os.path.join(self.folder, "accounts")}"')
        self.assertEqual(enrol(node, "ada", "admin").returncode, 0)
        self.people = {"ada": Client(0)}
        self.log_in(node)
        study = self.send(node, "finding")

        def logged(name, words):
            seen = len(node.log())
            h.wait_for(lambda: re.search(rf'announcement-unreached announcement={name} .*reason="[^"\n]*{words}', node.log()[seen:]), 20, f"{name}: {words}")

        def echo():
            def asked():
                said = self.people["ada"].ask("POST", "/api/v1/node/peers/announcement/ai/echo")
                return said.json["answer"] if said.status == 200 and said.json.get("answer") else None
            return h.wait_for(asked, 40, "the console's echo")

        def check(status, words):
            said = node.admin("check")
            self.assertEqual(said.returncode, status, said.stderr)
            self.assertRegex(said.stderr, words)
        logged("bare", "the receiver refuses: .*certificate required")
        logged("ai", "the receiver refuses: .*unknown ca")
        self.assertRegex(echo(), "^failed at the TLS: it refuses: .*unknown ca")
        for put, words, told in ((("late",), "the receiver refuses: .*certificate expired", r"<hl7 certificate>: .*own\.crt: it has ended; expected a valid"),
                                 (("right", "node"), r"own\.key: key values mismatch", r"<hl7 key>: .*own\.key: key values mismatch")):
            self.put(*put)
            logged("ai", words)
            check(78, rf":\d+: {told}")
        self.put("right")
        os.chmod(made.path("own.key"), 0o644)
        logged("ai", r"own\.key: its mode is 0644")
        check(78, r"<hl7 key>: .*own\.key: its mode is 0644")
        self.assertEqual([receiver.raw for receiver in receivers.values()], [[], []])
        os.chmod(made.path("own.key"), 0o600)
        h.wait_for(lambda: {s[0] for s in self.states(node) if s[2] == "told"} == {"ai"}, 20, "the right one")
        self.assertEqual(node.admin("check").returncode, 0)
        self.assertRegex(echo(), "^answered in")
        self.assertTrue(all(study.encode() in raw for raw in receivers["ai"].raw))
        self.assertEqual((receivers["bare"].raw, {s[0] for s in self.states(node) if s[2] == "told"}), ([], {"ai"}))


if __name__ == "__main__":
    unittest.main(verbosity=2)
