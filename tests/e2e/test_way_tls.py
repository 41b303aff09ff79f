"""Each way of news over TLS, by the daemon: peers that show a wrong certificate are told nothing, in words that say why; with the right one they are."""
import re
import ssl
import unittest

import harness as h
import test_every_way
from certificates import Certificates
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
