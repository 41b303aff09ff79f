#!/usr/bin/python3
"""Slow and hostile peers against the real node: hostile.py [--long] [--seed N] [--only NAME]

While each of them is at it, a good peer's C-ECHO must take less than a second and a good Storage SCU keep 80 % of its rate (measured
in turns: alone, beside the hostile, alone ...); afterwards processes, descriptors and memory are back within 60 s. That the hostile were
really there is asked of the kernel (connections that the node holds of them) or of themselves (what they did). Then malformed objects over
the network, what the listener is after all that, and what checker.py says of the good SCU's objects and echoes. Prints figures and seed;
exits 1 when one is missed."""
import argparse
import hashlib
import multiprocessing
import os
import random
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
import checker  # noqa: E402
import harness as h  # noqa: E402
import rawscu  # noqa: E402
from ledger import Lines  # noqa: E402
from processes import Holds  # noqa: E402
from rawscu import associate_rq, element, pdata, pdatas, read_pdu, store_rq  # noqa: E402

GOOD, BAD = "127.0.0.1", "127.0.0.2"
VERIFICATION = "1.2.840.10008.1.1"
ECHO_RQ = pdatas(rawscu.command([(2, b"1.2.840.10008.1.1\0"), (0x100, b"\x30\0"), (0x110, b"\1\0"), (0x800, b"\1\1")]), True)
LOCAL_LIMIT = b"\x03\0\0\0\0\x04\0\x02\x03\x02"
RECEIVE = '<receive acseTimeout="10" dimseTimeout="10" pduTimeout="10" datasetTime="20" associationTime="120"/>'
RELEASE_RQ = struct.pack(">BBII", 5, 0, 4, 0)
KEEP = 'quarantineObjects="100000" quarantineBytes="34359738368"'  # all that is refused
TCP_REPAIR = 19
IP_BIND_ADDRESS_NO_PORT = 24
HELD, MOST = 150, 200
EACH = 60  # seconds of an association of the good SCU: half of associationTime
WAIT = 30  # seconds for the hostile to be there
made = multiprocessing.get_context("fork").Value("i", 0)  # what an attacker that holds nothing did


def count(doing):
    """One more."""
    with doing.get_lock():
        doing.value += 1


def held_of(port, peer):
    """Connections of a peer that the kernel holds for the node."""
    local = f"0100007F:{port:04X}"
    remote = socket.inet_aton(peer)[::-1].hex().upper()
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split()[1:4] for line in f]
    return sum(here == local and there.startswith(remote) and state == "01" for here, there, state in rows[1:])


def connect(port, source, timeout=10):
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(timeout)
    s.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)  # connect() finds the port: bind() would look through all that are in use
    s.bind((source, 0))
    s.connect(("127.0.0.1", port))
    return s


def associate(port, source, sop_class=rawscu.SECONDARY_CAPTURE, maximum=16384):
    s = connect(port, source)
    s.sendall(associate_rq(sop_class, maximum=maximum))
    if read_pdu(s)[:1] != b"\x02":
        s.close()
        raise ConnectionError("refused")
    return s


def echo(port):
    begin = time.monotonic()
    with associate(port, GOOD, VERIFICATION) as s:
        s.sendall(ECHO_RQ)
        if rawscu.response_field(read_pdu(s), 0x900) != 0:
            raise ConnectionError("no C-ECHO")
        s.sendall(RELEASE_RQ)
        read_pdu(s)
    return time.monotonic() - begin


def send_well(port, taken, stop, ledger):
    """The good SCU: objects of 128 KiB over one association after the other, each of EACH seconds, until told to stop; `taken` is what was answered 0000."""
    filler, number, lines = b"\x55" * 131072, 0, Lines(ledger)
    while not stop.is_set():
        end = time.monotonic() + EACH
        with associate(port, GOOD) as s:
            s.settimeout(60 * h.PATIENCE)
            while time.monotonic() < end and not stop.is_set():
                number += 1
                if send_one(s, number, filler, lines) == 0:
                    count(taken)
            s.sendall(RELEASE_RQ)
            read_pdu(s)


def send_one(s, number, filler, lines):
    uid = f"1.2.826.{os.getpid()}.{number}"
    data = element(8, 0x16, rawscu.SECONDARY_CAPTURE.encode() + b"\0") + element(8, 0x18, rawscu.even(uid.encode()))
    data += element(9, 0x1010, struct.pack("<I", number) + filler)
    s.sendall(pdatas(store_rq(uid=uid), True) + pdatas(data, False, 100000))
    status = rawscu.response_field(read_pdu(s), 0x900)
    lines.append(kind="store", sop_class=rawscu.SECONDARY_CAPTURE, sop_instance=uid, study="", patient="", issuer="",
                 sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), path="", expected=["ignored"],
                 outcome="aborted" if status is None else f"{status:04x}", comment="", ms=0)
    return status


class Held:
    """Peers that are kept; those that the node ends are replaced."""

    def __init__(self, port, make, keep=None, most=HELD):
        self.port, self.make, self.keep, self.most, self.peers = port, make, keep, most, []

    def turn(self, until):
        while len(self.peers) < self.most and time.monotonic() < until:
            try:
                self.peers.append(self.make(self.port))
            except OSError:
                break
        for s in list(self.peers):
            try:
                s.setblocking(False)
                if self.keep:
                    s.send(self.keep)
                elif self.keep is None and s.recv(4096) == b"":
                    raise ConnectionError("ended")
            except BlockingIOError:
                pass
            except OSError:
                s.close()
                self.peers.remove(s)


def run_held(port, seconds, make, keep=None):
    os.nice(19)  # a real one has a processor of its own
    held, until = Held(port, make, keep), time.monotonic() + seconds
    while time.monotonic() < until:
        held.turn(until)
        time.sleep(1)
    for s in held.peers:
        s.close()


def beginning(data, source=BAD):
    def make(port):
        s = connect(port, source)
        s.sendall(data)
        return s
    return make


def associated(data):
    def make(port):
        s = associate(port, BAD)
        s.sendall(data)
        return s
    return make


def deaf(port):
    """Asks and never reads: the window closes."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    s.settimeout(5)
    s.bind((BAD, 0))
    s.connect(("127.0.0.1", port))
    s.sendall(associate_rq(VERIFICATION))
    s.setblocking(False)
    try:
        for _ in range(2000):
            s.send(ECHO_RQ * 20)
    except BlockingIOError:
        pass
    return s


def gone(port):
    """Half-open: this end forgets the connection, the node is not told."""
    s = associate(port, BAD)
    s.sendall(pdata(store_rq()[:20], True, False))
    s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    s.close()
    return socket.socket()


def flood(port, seconds, connects=10000):
    os.nice(19)
    until, tried, kept = time.monotonic() + seconds, 0, []
    while tried < connects and time.monotonic() < until + 30:
        try:
            kept.append(connect(port, BAD, 5))
            count(made)
        except OSError:
            pass
        tried += 1
        while len(kept) > 300:
            kept.pop(0).close()
        ahead = tried * seconds / connects - (time.monotonic() - until + seconds)
        if ahead > 0:
            time.sleep(ahead)
    for s in kept:
        s.close()


def aborters(port, seconds):
    os.nice(19)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with associate(port, BAD) as s:
                s.sendall(struct.pack(">BBII", 7, 0, 4, 0))
            count(made)
        except OSError:
            pass
        time.sleep(0.01)


def noise(port, seconds, seed=1):
    """PDU lengths and maximum lengths at their edges, many contexts, long user information, odd and crossing PDVs."""
    os.nice(19)
    rng, until = random.Random(seed), time.monotonic() + seconds
    edges = (0, 1, 3, 4, 5, 4095, 131072, 131073, 2 ** 20, 2 ** 20 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1)
    whole = associate_rq()
    while time.monotonic() < until:
        try:
            with connect(port, BAD, 2) as s:
                count(made)
                if rng.random() < 0.5:
                    s.sendall(struct.pack(">BBI", rng.randrange(9), 0, rng.choice(edges)) + whole[6:])
                else:
                    s.sendall(rng.choice((many_contexts(), long_user(), associate_rq(maximum=rng.choice((0, 1, 4095, 2 ** 32 - 1))))))
                    read_pdu(s)
                    s.sendall(rng.choice((pdata(b"x" * 7, True, True), pdata(b"x" * 8, False, True), crossing(),
                                          pdatas(store_rq(), True) * 2, struct.pack(">BBI", 4, 0, rng.choice(edges)) + b"\0" * 64)))
                s.settimeout(0.05)
                s.recv(4096)
        except OSError:
            pass
        time.sleep(0.01)


def many_contexts(contexts=128, syntaxes=100):
    """128 contexts of 100 transfer syntaxes each: 400 KiB."""
    body = struct.pack(">HH", 1, 0) + b"CERVIGATE".ljust(16) + b"MANY".ljust(16) + bytes(32) + rawscu.item(0x10, b"1.2.840.10008.3.1.1.1")
    names = b"".join(rawscu.item(0x40, f"1.2.840.10008.1.2.{n}".encode()) for n in range(syntaxes))
    for n in range(contexts):
        body += rawscu.item(0x20, bytes([2 * n + 1 & 255, 0, 0, 0]) + rawscu.item(0x30, rawscu.SECONDARY_CAPTURE.encode()) + names)
    body += rawscu.item(0x50, rawscu.item(0x51, struct.pack(">I", 16384)) + rawscu.item(0x52, b"1.2.3.4"))
    return struct.pack(">BBI", 1, 0, len(body)) + body


def long_user():
    """User information of 64 KiB: the longest that its length can say."""
    whole = bytearray(associate_rq())
    at = whole.rindex(b"\x50\0")
    user = rawscu.item(0x51, struct.pack(">I", 16384)) + rawscu.item(0x52, b"1.2.3.4")
    while len(user) + 4 + 1000 < 65535:
        user += rawscu.item(0x54, struct.pack(">H", 25) + rawscu.SECONDARY_CAPTURE.encode().ljust(25) + b"\0\1" + b"x" * 960)
    body = bytes(whole[6:at]) + rawscu.item(0x50, user)
    return struct.pack(">BBI", 1, 0, len(body)) + body


def crossing():
    """A PDV that says that it goes on in the next PDU."""
    return struct.pack(">BBIIBB", 4, 0, 16, 40, 1, 1) + b"\0" * 10 + struct.pack(">BBI", 4, 0, 30) + b"\0" * 30


# Of those that are not held: what they do in a second at least.
RATES = {"10,000 connects": 1000, "associate and abort": 3, "lengths and contexts": 3}
HOSTILE = {
    "1 byte/s": lambda port, seconds: run_held(port, seconds, beginning(associate_rq()[:20]), b"\0"),
    "1 byte/s in a dataset": lambda port, seconds: run_held(port, seconds, associated(pdatas(store_rq(), True) + struct.pack(
        ">BBIIBB", 4, 0, 16006, 16002, 1, 0)), b"\0"),
    "stops mid-PDU": lambda port, seconds: run_held(port, seconds, associated(b"\x04\0\0\0\x40\0\0")),
    "stops between PDUs": lambda port, seconds: run_held(port, seconds, associated(pdatas(store_rq(), True))),
    "never releases": lambda port, seconds: run_held(port, seconds, associated(ECHO_RQ)),
    "zero window": lambda port, seconds: run_held(port, seconds, deaf, b""),
    "half-open": lambda port, seconds: run_held(port, seconds, gone, b""),
    "10,000 connects": flood,
    "associate and abort": aborters,
    "lengths and contexts": noise,
}


class Campaign:
    def __init__(self, seconds, turns, most=MOST, within=0.1):
        """`most`: associations of one peer; the next is refused `within` seconds."""
        self.most, self.within = most, within
        self.node = h.Node({}, mode="shadow", receive=RECEIVE, limits=f'<limits associations="{most + 20}" associationsPerPeer="{most}" spoolReserve="1048576" {KEEP}/>',
                           rules='<rule name="all" action="ignore"/>')
        self.port, self.seconds, self.turns, self.missed = self.node.port, seconds, turns, []
        self.ledger, self.pacs = os.path.join(self.node.folder, "ledger.jsonl"), os.path.join(self.node.folder, "pacs.jsonl")
        self.lines = Lines(self.ledger)
        open(self.pacs, "w", encoding="utf-8").close()
        self.listener = self.node.facts()["receive_pid"]

        self.warm_up()

    def warm_up(self):
        """The committer's page cache fills once; from then on memory is as before, or it is not."""
        held = [associate(self.port, BAD) for _ in range(self.most)]
        with associate(self.port, GOOD) as s:
            for number in range(200):
                send_one(s, number, b"\x55" * 1024, self.lines)
            s.sendall(RELEASE_RQ)
            read_pdu(s)
        for s in held:
            s.close()
        time.sleep(1)

    def check(self, good, what):
        if not good:
            self.missed.append(what)
            print(f"MISSED: {what}", flush=True)

    def rate(self, seconds, taken, echoes, held=None):
        """Objects a second over these seconds; C-ECHOs meanwhile go to echoes, connections that are held to `held`."""
        begin, first = time.monotonic(), taken.value
        while time.monotonic() - begin < seconds:
            try:
                echoes.append(echo(self.port))
                self.lines.append(kind="echo", outcome="0000", ms=round(echoes[-1] * 1000))
            except OSError as error:
                self.check(False, f"C-ECHO: {error}")
            if held is not None:
                held.append(held_of(self.port, BAD))
            time.sleep(0.2)
        return (taken.value - first) / (time.monotonic() - begin)

    def hostile(self, name, attack):
        before = Holds(self.node.facts()["receive_pid"])
        context = multiprocessing.get_context("fork")
        taken, stop = context.Value("i", 0), context.Event()
        sender = context.Process(target=send_well, args=(self.port, taken, stop, self.ledger))
        sender.start()
        alone, beside, echoes, quiet, held, did = [], [], [], [], [], []
        self.rate(1, taken, quiet)
        for _ in range(self.turns):
            alone.append(self.rate(self.seconds, taken, quiet))
            holds = name not in RATES
            attacker = context.Process(target=attack, args=(self.port, self.seconds + (WAIT if holds else 2)))
            made.value = 0
            attacker.start()
            begin = time.monotonic()
            while time.monotonic() - begin < 1.5 or (holds and held_of(self.port, BAD) < 0.9 * HELD and time.monotonic() - begin < WAIT):
                self.rate(0.2, taken, echoes)
            begin = time.monotonic()
            first = made.value
            beside.append(self.rate(self.seconds, taken, echoes, held))
            did.append((made.value - first) / (time.monotonic() - begin))
            if holds:  # it goes on for as long as it had to be waited for
                attacker.terminate()
            attacker.join(self.seconds + 60)
            time.sleep(0.5)
        stop.set()
        sender.join(60)
        self.check(sender.exitcode == 0, f"{name}: the good SCU was cut off")
        kept = statistics.median(b / a for a, b in zip(alone, beside))
        back = self.recover(before)
        self.was_there(name, statistics.median(held), statistics.median(did))
        print(f"{name:24} {statistics.median(held):.0f} held, {statistics.median(did):.0f} a second; C-ECHO at most {max(echoes) * 1000:4.0f} ms; good SCU {statistics.median(alone):4.0f} -> {statistics.median(beside):4.0f} objects/s "
              f"({kept * 100:.0f} %); as before after {back:.0f} s", flush=True)
        self.check(max(echoes) < 1, f"{name}: C-ECHO took {max(echoes):.2f} s")
        self.check(kept >= 0.8, f"{name}: the good SCU kept {kept * 100:.0f} %")

    def was_there(self, name, held, did):
        if name in RATES:
            self.check(did >= RATES[name], f"{name}: only {did:.1f} a second")
        else:
            self.check(held >= 0.8 * HELD, f"{name}: only {held:.0f} of {HELD} were held")

    def judge(self):
        """What the checker says of the good SCU's objects and of the echoes."""
        until, fewest = time.monotonic() + 120, None
        while True:
            found, endings = checker.check(self.node.spool, [self.ledger], [self.pacs], settled=True, others=True)
            if not found or time.monotonic() > until:
                break
            waiting = endings.get("unfinished", 0)
            if fewest is None or waiting < fewest:  # a long run leaves a backlog: as long as it shrinks it is waited for
                until, fewest = time.monotonic() + 120, waiting
            time.sleep(0.5)
        print(f"checker: endings {endings}, {len(found)} violations", flush=True)
        for invariant, text in found[:20]:
            self.check(False, f"{invariant} {text}")

    def recover(self, before):
        begin = time.monotonic()
        while True:
            now = Holds(self.node.facts()["receive_pid"])
            level = h.SANITIZED or now.kilobytes <= before.kilobytes * 1.1 + 512  # a sanitizer keeps what is freed
            if now.processes <= before.processes and now.descriptors <= before.descriptors and level:
                return time.monotonic() - begin
            if time.monotonic() - begin > 60:
                self.check(False, f"not as before after 60 s: {before} -> {now}")
                return 60
            time.sleep(0.5)

    def check_echoes(self, held, when):
        for s in held:
            s.sendall(ECHO_RQ)
        answered = sum(rawscu.response_field(read_pdu(s), 0x900) == 0 for s in held)
        self.check(answered == len(held), f"{answered} of {len(held)} held ones answered {when}")

    def full_house(self, beside=None):
        """As many of one host as it may have; the next is told, and fast. `beside`: what must go well meanwhile."""
        before, held, times = Holds(self.node.facts()["receive_pid"]), [], []
        try:
            while len(held) < self.most:
                held.append(associate(self.port, BAD))
                if len(held) % 20 == 0:  # on a busy machine the first would be cut off before the last is there
                    self.check_echoes(held, "while they come")
            self.check(held_of(self.port, BAD) == self.most, f"{held_of(self.port, BAD)} of {self.most} are held")
            for _ in range(20):
                begin = time.monotonic()
                with connect(self.port, BAD) as s:
                    s.sendall(associate_rq())
                    self.check(read_pdu(s) == LOCAL_LIMIT, "one more: not A-ASSOCIATE-RJ, local limit exceeded")
                times.append(time.monotonic() - begin)
            self.check(echo(self.port) < 1, f"C-ECHO beside {self.most} associations")
            if beside:
                beside()
            self.check_echoes(held, "beside those refused")
        finally:
            for s in held:
                s.close()
        print(f"{self.most} held and answered; the next refused in {statistics.median(times) * 1000:.1f} ms, at most {max(times) * 1000:.1f} ms; "
              f"as before after {self.recover(before):.0f} s", flush=True)
        self.check(max(times) < self.within, f"one more: refused after {max(times) * 1000:.0f} ms")

    def wire_states(self):
        """Every PDU type in every state of PS3.8 table 9-10 (tests/wire/test_states.c), against the node."""
        said = subprocess.run([os.path.join(h.BIN, "test_states")], env=dict(os.environ, CERVIGATE_STATES_PORT=str(self.port)), capture_output=True,
                              text=True)
        print("wire states: " + ("as expected" if said.returncode == 0 else said.stdout + said.stderr), flush=True)
        self.check(said.returncode == 0, "wire states")
        self.check(echo(self.port) < 1, "C-ECHO after the wire states")

    def malformed(self, seed, count):
        corpus = os.path.join(h.SHARED, "corpus")
        if not os.path.isdir(corpus) or count == 0:
            return
        watching, slowest = [True], [0.0]

        def watch():
            while watching[0]:
                slowest[0] = max(slowest[0], echo(self.port))
                time.sleep(0.5)
        watcher = threading.Thread(target=watch)
        watcher.start()
        said = subprocess.run([os.path.join(h.BIN, "malformed"), corpus, str(seed), "send", str(count), "0", str(self.port), self.ledger],
                              capture_output=True, text=True)
        watching[0] = False
        watcher.join()
        print("malformed, over the network: " + said.stdout.strip(), f"C-ECHO at most {slowest[0] * 1000:.0f} ms", flush=True)
        self.check(said.returncode == 0, "an input without an outcome")
        self.check(slowest[0] < 1, f"malformed: C-ECHO took {slowest[0]:.2f} s")

    def finish(self):
        self.judge()
        self.check(self.node.facts()["receive_pid"] == self.listener, "the listener died")
        self.check("association-died" not in self.node.log(), "a process of an association died")
        self.check(self.node.stop() == 0, "the node did not end well")
        print(f"{len(self.missed)} figures missed")
        return 1 if self.missed else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true", help="six turns of 10 s each, 20,000 malformed objects")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", help="one kind of peer", choices=HOSTILE)
    parser.add_argument("--malformed", type=int, help="objects over the network")
    arguments = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} hostile, seed {arguments.seed}", flush=True)
    campaign = Campaign(*((10, 6) if arguments.long else (4, 3)))
    try:
        for name, attack in HOSTILE.items():
            if arguments.only in (None, name):
                campaign.hostile(name, attack)
        campaign.full_house()
        campaign.wire_states()
        campaign.malformed(arguments.seed, (20000 if arguments.long else 300) if arguments.malformed is None else arguments.malformed)
    finally:
        status = campaign.finish()
    return status


if __name__ == "__main__":
    sys.exit(main())
