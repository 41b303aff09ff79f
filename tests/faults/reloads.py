"""Reloads under load: nobody is cut off, nothing is lost, and what is wrong changes nothing.

scripts/faults reloads [--count N] [--rate R] [--pause S] [--seed S] [--keep DIR]

  --count  reloads (1000); every tenth of a configuration that is wrong, which must be refused
  --rate   images a second that are begun (4), by three senders of this program's and one storescu
  --pause  seconds between two reloads at most (0.5); each waits for the log's answer to the one before

Each that is taken changes one setting, the log must say which, and the next waits for a new receive. All the time one association stays open and asks for an echo each second, and one
sender pauses for SLOW seconds in the middle of each of its datasets: both are received by a process that a reload has replaced many times.
Every attempt to store must be answered 0000 the first time. At the end the checker must find every invariant kept. What ends while this
program itself stood still for STOOD_STILL seconds (others stop all tests for a measurement) is counted apart, and tried again."""
import argparse
import os
import random
import re
import shutil
import socket
import struct
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
import evidence  # noqa: E402
import harness as h  # noqa: E402
import ledger  # noqa: E402
import rawscu  # noqa: E402
import world  # noqa: E402

SLOW, TOGETHER = 17, 3  # seconds: longer than a receive that stops would wait; images of one storescu
STOOD_STILL = 3
WRONG = '<recieve dimseTimeout="61"/>'
SETTLE = 1800


class Held:
    """One association, on which C-ECHO is asked again and again."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.sendall(rawscu.associate_rq(ledger.VERIFICATION))
        if rawscu.read_pdu(self.socket)[:1] != b"\x02":
            raise AssertionError("the association that is to be held was not accepted")
        self.echoes = 0

    def echo(self):
        us = lambda v: struct.pack("<H", v)
        self.echoes += 1
        request = rawscu.command([(2, rawscu.even(ledger.VERIFICATION.encode())), (0x100, us(0x30)), (0x110, us(1)), (0x800, us(0x101))])
        self.socket.sendall(rawscu.pdatas(request, True))
        return rawscu.response_field(rawscu.read_pdu(self.socket), 0x900)

    def close(self):
        self.socket.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        self.socket.close()


class Storm:
    def __init__(self, seed, rate):
        self.world = world.World(seed, receive='<receive dimseTimeout="60"/>')
        self.chance, self.rate = random.Random(seed), rate
        with open(self.world.node.config, encoding="utf-8") as f:
            self.good = f.read()
        self.lock, self.done, self.bad = threading.Lock(), threading.Event(), []
        self.sent = self.reloads = self.refused = self.echoes = 0
        self.told_to = 0
        self.seconds = 60  # dimseTimeout in force
        self.still = []  # (begin, end) of each time that this program stood still
        self.excused = 0

    def complain(self, invariant, text):
        with self.lock:
            self.bad.append((invariant, text))

    def watch(self):
        """Notices that nothing ran here for a while."""
        last = time.time()
        while not self.done.wait(0.2):
            now = time.time()
            if now - last > STOOD_STILL:
                self.still.append((last, now))
                self.world.sender.death("all", since=last)
            last = now

    def stood_still(self, begin):
        time.sleep(0.5)  # until the watch has seen it
        return any(end > begin for _, end in self.still)

    def store(self, source, what, **how):
        begin = time.time()
        outcome = self.world.sender.store(source, **how)
        if outcome != "0000" and self.stood_still(begin):
            self.excused += 1
            outcome = "0000" if self.world.sender.store_until_acknowledged(source) else outcome
        if outcome != "0000":
            self.complain("I2", f"{what} ended with {outcome}")

    def make(self):
        with self.lock:
            self.sent += 1
            return self.world.studies.make()

    # ---- load ----

    def send(self, senders):
        while not self.done.wait(senders / self.rate):
            self.store(self.make(), "an attempt to store")

    def send_slowly(self):
        while not self.done.is_set():
            self.store(self.make(), f"an attempt to store of {SLOW} s", seconds=60, pause=SLOW)

    def run_storescu(self, senders):
        folder = os.path.join(self.world.folder, "storescu")
        os.mkdir(folder)
        with open(os.path.join(self.world.folder, "template.dcm"), "rb") as f:
            head = f.read()
        head, old = head[:ledger.dataset_offset(head)], h.pydicom.filereader.read_file_meta_info(f.name).MediaStorageSOPInstanceUID.encode()
        while not self.done.wait(senders * TOGETHER / self.rate):
            sources, paths = [self.make() for _ in range(TOGETHER)], []
            for i, source in enumerate(sources):
                paths.append(os.path.join(folder, f"{i}.dcm"))
                with open(paths[-1], "wb") as f:
                    f.write(head.replace(old, source.sop_instance.encode()) + source.dataset)
            begin = time.time()
            said = h.run("storescu", "-aec", "CERVIGATE", "127.0.0.1", self.world.node.port, *paths)
            outcome = "0000" if said.returncode == 0 else "aborted"
            for source in sources:
                self.world.sender.lines.append(kind="store", sop_class=source.sop_class, sop_instance=source.sop_instance, study=source.study,
                                               patient=source.patient, issuer="", sha256=source.sha256, bytes=len(source.dataset), path="",
                                               expected=source.expected, outcome=outcome, comment="storescu", ms=0)
            if outcome != "0000" and self.stood_still(begin):
                self.excused += 1
                for source in sources:
                    self.store(source, "storescu's again")
            elif outcome != "0000":
                self.complain("I2", f"storescu ended with {said.returncode}: {said.stdout}{said.stderr}"[:300])

    def hold(self):
        held = Held(self.world.node.port)
        while not self.done.wait(1):
            begin = time.time()
            try:
                status = held.echo()
            except (OSError, ValueError, TypeError) as error:
                status = str(error)
            if status != 0 and self.stood_still(begin - 1):
                self.excused, held = self.excused + 1, Held(self.world.node.port)
                continue
            if status != 0:
                return self.complain("I6", f"the association that is held ended at its echo {held.echoes}: {status}")
            self.echoes += 1
            self.world.sender.echo()
        held.close()

    # ---- reloads ----

    def news(self):
        """The log's lines since the last time."""
        with open(self.world.node.log_path, encoding="utf-8", errors="replace") as f:
            f.seek(self.told_to)
            text = f.read()
        whole = text[:text.rfind("\n") + 1]
        self.told_to += len(whole.encode())
        return whole

    def await_answer(self):
        said, begin, end = "", time.time(), time.monotonic() + 60
        while not re.search(r" reload(-refused)? .*\n", said):
            if time.monotonic() > end and not self.stood_still(begin):
                raise AssertionError("no word about the reload within a minute\n" + said[-2000:])
            time.sleep(0.02)
            said += self.news()
        return said

    def reload(self, wrong):
        seconds = 60 if self.seconds == 61 else 61
        text = self.good.replace('dimseTimeout="60"', f'dimseTimeout="{seconds}"')
        if wrong:
            text = text.replace("</cervigate>", WRONG + "</cervigate>")
        with open(self.world.node.config + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(self.world.node.config + ".new", self.world.node.config)
        self.news()
        before = self.world.node.facts()["receive_pid"]
        self.world.node.process.send_signal(h.signal.SIGHUP)
        said = self.await_answer()
        self.reloads += 1
        if wrong:
            self.refused += 1
            if " reload-refused " not in said or 'did you mean "receive"' not in said:
                self.complain("reload", "a wrong configuration was not refused in words")
            return
        wanted = f"old {self.seconds}, new {seconds}"
        self.seconds = seconds
        if " reload " not in said or wanted not in said or "changes=1 " not in said:
            self.complain("reload", f"the log does not say that it is {wanted}: {said[-300:]}")
        h.wait_for(lambda: self.world.node.facts()["receive_pid"] not in ("0", before), 60, "a new receive")

    def storm(self, count, pause):
        loads = [threading.Thread(target=self.watch)]
        loads += [threading.Thread(target=self.send, args=(4,)) for _ in range(3)]
        loads += [threading.Thread(target=self.run_storescu, args=(4,)), threading.Thread(target=self.send_slowly), threading.Thread(target=self.hold)]
        for one in loads:
            one.start()
        try:
            for i in range(count):
                time.sleep(self.chance.random() * pause)
                self.reload(wrong=i % 10 == 9)
                if i % 100 == 99:
                    print(f"{i + 1} reloads, {self.sent} images, {self.echoes} echoes, {len(self.bad)} complaints", flush=True)
        finally:
            self.done.set()
            for one in loads:
                one.join()

    def judge(self):
        self.world.sender.echo()  # the machine's last stop may have come after the last of the storm's
        left = self.world.wait_until_settled(SETTLE)
        if left:
            return self.bad + [("I1", f"after {SETTLE} s: {left}")]
        found = evidence.Evidence(self.world.node.spool, [self.world.ledger_path], [self.world.pacs.log_path])
        self.bad += world.checker.Checker(found, settled=True).run()
        log = self.world.node.log()
        died = re.findall(r"(?m)^.* (?:role-died|association-died|committer-ended) .*$", log)
        self.bad += [("I6", line[:300]) for line in died]
        return self.bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=4)
    parser.add_argument("--pause", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", metavar="DIR")
    wanted = parser.parse_args()
    begun = time.time()
    storm = Storm(wanted.seed, wanted.rate)
    storm.storm(wanted.count, wanted.pause)
    ended = time.time()
    bad = storm.judge()
    print(f"{time.strftime('%FT%TZ', time.gmtime(begun))} seed {wanted.seed}: {storm.reloads} reloads ({storm.refused} of them refused) in {ended - begun:.0f} s; "
          f"{storm.sent} images, {storm.echoes} echoes on one association; stood still {len(storm.still)} times, {storm.excused} excused; settled {time.time() - ended:.0f} s later; {len(bad)} violations")
    for invariant, text in bad[:50]:
        print(invariant, text)
    if wanted.keep:
        shutil.copytree(storm.world.folder, wanted.keep)
    storm.world.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
