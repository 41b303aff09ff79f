"""The N-th call fails: `scripts/faults calls [--seed S] [--seconds T] [--patience P] [--only ROLE:KIND[:HOW],...] [--at N,...] [--every]`.

For each role of the node and each kind of call, N = 1, 2, 3 ... while studies are sent: the N-th such call of that role fails, once or
from then on, until a study goes through without the fault having fired. For every N:
  - what is answered 0000 is whole on the disk and in the job store at that moment, fault or not
  - nothing is synced again through a descriptor whose fsync failed
  - once the fault is over: C-ECHO is answered, the sender gets its 0000, the study its report, nobody helps
  - nothing was parked and no image "not processed" for it, but when the object's own child was hit
  - no process of it, but for an object's child, died of a fault in code of ours; deaths in a library are counted, and told at the end
While a fault of the console's waits, a browser of an administrator's asks for its pages, and afterwards gets them; while one of the
supervisor's does, the configuration is reloaded, and afterwards is again.
At the end checker.py is asked what the whole run left.
Where there are many calls (memory, the job store's pages) N is tried at 1 .. FIRST and then further and further apart; the line of each
fault says how many it tried. --seconds: after that long a campaign is left unfinished, and its line says so. --patience: seconds for
everything to be well again (20; a sender that had no memory for its peer's answer notices after 60, by time-out). HOW: once or ever (from
then on). --at: these N alone, to repeat them."""
import argparse
import collections
import errno
import mmap
import os
import re
import signal
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "console")]
import http_fixture  # noqa: E402
import world  # noqa: E402

HERE_ROLES = ("supervisor", "receive", "committer", "assoc", "analyze", "object", "deliver", "sender", "console", "trial")
SITE_ROLES = ("audit", "announce", "crier", "orders", "hearer", "inquire", "inquirer", "desk")  # site_calls.py
ROLES = {name: 1 << i for i, name in enumerate((*HERE_ROLES, *SITE_ROLES, "others"))}  # as fail.c has them
KINDS = {name: 1 << i for i, name in enumerate(("malloc", "create", "open", "write", "sync", "rename", "unlink", "mkdir", "read",
                                                "truncate", "map"))}
STORE, SPOOL, ELSEWHERE = 1, 2, 4
SHORT = 0  # an "error": half of what was to be written
ERRORS = {"malloc": (errno.ENOMEM,), "create": (errno.ENOSPC, errno.EMFILE, errno.EROFS), "open": (errno.EMFILE,),
          "write": (errno.ENOSPC, errno.EIO, SHORT, errno.EINTR, errno.EDQUOT), "sync": (errno.EIO,), "rename": (errno.EIO,), "unlink": (errno.EIO,),
          "mkdir": (errno.ENOSPC,), "read": (errno.EIO,), "truncate": (errno.EIO,), "map": (errno.ENOMEM,)}
FIRST = 16     # calls that are each tried
HOWS = ("once", "ever")
HOLD = 0.4     # seconds that "from then on" lasts once it has fired
LAYOUT = "=IIIIiIQQQII"
PAGES = ["/" + page for page in ("", "healthz", "metrics", "api/v1/session")]
PAGES += ["/api/v1/" + page for page in ("worklist", "outcomes", "outcomes.csv", "node", "node/peers", "node/drift", "node/models",
                                         "node/quarantine", "node/audit", "node/configuration")]
FAULT = re.compile(r"^(?!died ).*signal=(?:4|6|7|8|11)\b.*$", re.M)
DIED = re.compile(r"^died signal=(\d+) of=(\S*)$", re.M)  # fail.c


class Control:
    """The page that the shim (fail.c) reads."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "control")
        with open(self.path, "wb") as f:
            f.write(bytes(4096))
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 4096)

    def arm(self, role, kind, place, error, ever, at):
        self.map[:4] = bytes(4)
        struct.pack_into("=IIIiIQQQ", self.map, 4, role, kind, place, error, int(ever), at, 0, 0)
        self.map[:4] = struct.pack("=I", 1)

    def disarm(self):
        self.map[:4] = bytes(4)

    def _field(self, index):
        return struct.unpack_from(LAYOUT, self.map)[index]

    fired = property(lambda self: self._field(8))
    count = property(lambda self: self._field(7))
    resynced = property(lambda self: self._field(9))


class Fault:
    def __init__(self, role, kind, place, error, ever):
        self.role, self.kind, self.place, self.error, self.ever = role, kind, place, error, ever

    def __str__(self):
        what = "short" if self.error == SHORT else errno.errorcode[self.error]
        where = {STORE: "store", SPOOL: "spool"}.get(self.place, "any")
        return f"{self.role:10} {self.kind:8} {where:5} {what:6} {HOWS[self.ever]}"


def faults(only=()):
    """Every fault that there is to try; `only`: (role, kind, how) texts, of which each may be *."""
    for role in ROLES:
        for kind, errors in ERRORS.items():
            hows = {how for r, k, how in only if r in ("*", role) and k in ("*", kind)} if only else {"*"}
            if not hows:
                continue
            places = (STORE | SPOOL | ELSEWHERE,) if kind == "malloc" else (STORE, SPOOL)
            for place in places:
                for error in errors:
                    for ever in (False, True):
                        asked = hows & {"*", HOWS[ever]}
                        if asked and not (ever and error == errno.EINTR):  # an interruption that never ends is no fault of a disk
                            yield Fault(role, kind, place, error, ever)


class Browser(http_fixture.Client):
    """An administrator's; a node without memory may leave it without an answer."""
    answered_by_the_console = False  # what it says then is not looked up
    seconds = 2

    def connect(self):
        return http_fixture.http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.seconds)

    def get(self, path):
        """Status, or 0."""
        try:
            return self.ask("GET", path).status
        except (OSError, http_fixture.http.client.HTTPException):
            return 0


class BrokenOff(Exception):
    pass


def break_off(*_):
    raise BrokenOff


class Campaign:
    patience = 20
    roles = (*HERE_ROLES, "others")
    first = FIRST

    def __init__(self, seed, folder):
        os.makedirs(folder, exist_ok=True)
        self.control = Control(folder)
        self.world = world.World(seed, quiet=0, environment={"LD_PRELOAD": world.shim("fail", folder), "CERVIGATE_FAIL": self.control.path},
                                 console=f'accounts="{folder}/accounts"')
        self.violations, self.tried, self.hits, self.deaths = [], 0, 0, collections.Counter()
        self.browser = None

    def violation(self, fault, n, what):
        self.violations.append(f"{fault} N={n}: {what}")
        print("VIOLATION", self.violations[-1], flush=True)

    @staticmethod
    def whose(number, modules):
        """The library that a process died in; None: ours. An exception that leaves a destructor of liboflog's passes code of ours inlined."""
        modules = modules.split(",")
        if number == "6" and "liboflog" in modules:
            return "liboflog"
        return None if modules[0] in ("", "cervigated") else modules[0]

    def look_at_deaths(self, fault, n, said):
        """Counts what the log says of faults; violations are those of ours, or of nobody that said so."""
        died, lines = DIED.findall(said), FAULT.findall(said)
        libraries = [self.whose(*one) for one in died]
        self.deaths.update(library for library in libraries if library)
        own = [f"died of signal {number} in {modules}" for (number, modules), library in zip(died, libraries) if not library]
        for what in own or lines[len(died):]:
            self.violation(fault, n, what)

    def watch_study(self, source, fault):
        """Until the study is reported, or the fault has fired and had its time; what was acknowledged is looked at meanwhile."""
        end = time.monotonic() + self.patience
        fired_at = None
        while time.monotonic() < end and not self.is_done(fault, source):
            if self.control.fired and fired_at is None:
                fired_at = time.monotonic()
            if fired_at and time.monotonic() - fired_at > (HOLD if fault.ever else 0.05):
                return
            time.sleep(0.01)

    def is_done(self, _fault, source):
        return source.study in self.world.reported()

    # ---- console and supervisor have little to do while studies come ----

    def log_since(self, offset):
        with open(self.world.node.log_path, encoding="utf-8", errors="replace") as f:
            f.seek(offset)
            return f.read()

    def log_in(self):
        """A browser with a session. AssertionError: there is none."""
        if not os.path.exists(os.path.join(os.path.dirname(self.control.path), "accounts")):
            assert http_fixture.enrol(self.world.node, "ada", "admin").returncode == 0
        browser = Browser(int(self.world.node.facts()["console_port"]))
        browser.seconds = self.patience
        assert browser.log_in("ada").status == 200
        browser.seconds = Browser.seconds
        return browser

    def is_served(self):
        """Whether each page is there again, after another login if need be."""
        try:
            if self.browser is None or self.browser.get("/api/v1/session") != 200:
                self.browser = self.log_in()
        except (AssertionError, OSError, KeyError, http_fixture.http.client.HTTPException):
            return False
        return all(self.browser.get(page) in ((200, 503) if page == "/healthz" else (200,)) for page in PAGES)

    def reload(self):
        """Whether it was done; None: no word."""
        begin = os.path.getsize(self.world.node.log_path)
        self.world.node.process.send_signal(signal.SIGHUP)
        try:
            found = world.h.wait_for(lambda: re.search(r" reload(-refused)? .*\n", self.log_since(begin)), 5, "a word about the reload")
        except AssertionError:
            return None
        return found.group(1) is None

    def occupy(self, fault, _source):
        if fault.role == "console":
            for page in PAGES:
                self.browser.get(page)
        elif fault.role == "supervisor":
            self.reload()

    def is_occupied_well(self, fault, _source):
        return self.is_served() if fault.role == "console" else fault.role != "supervisor" or self.reload()

    def attempt(self, fault, n):
        """One N; whether the fault fired."""
        w, source, begin = self.world, self.world.studies.make(), time.time()
        offset = os.path.getsize(w.node.log_path)
        if fault.role == "console" and self.browser is None and not self.is_served():
            self.violation(fault, n, "pages are missing before the fault")
        self.control.arm(ROLES[fault.role], KINDS[fault.kind], fault.place, fault.error, fault.ever, n)
        self.occupy(fault, source)
        outcome = w.sender.store(source, 5)
        if outcome == "0000":
            if not w.is_kept(source):
                self.violation(fault, n, f"answered 0000 without the bytes: {source.sop_instance}")
            if self.control.fired and fault.role == "assoc" and fault.kind == "sync":  # what is in the cache proves nothing
                self.violation(fault, n, f"answered 0000 though a sync of its file or folder failed: {source.sop_instance}")
            self.watch_study(source, fault)
        elif fault.ever:
            time.sleep(HOLD)
        fired = self.control.fired
        self.control.disarm()
        if fired:
            w.sender.death("point", begin)  # it may have been the listener's
        if w.node.process.poll() is not None:  # whose fault it was is looked at below
            self.violation(fault, n, f"the supervisor ended with {w.node.process.returncode}")
            w.node.start()  # as systemd does
        if outcome != "0000" and not fired:
            self.violation(fault, n, f"answered {outcome} without a fault")
        if outcome != "0000" and not w.sender.store_until_acknowledged(source, self.patience):
            self.violation(fault, n, f"no 0000 within {self.patience} s after the fault was over")
        if w.sender.echo() is None:
            self.violation(fault, n, "C-ECHO is not answered after the fault was over")
        try:
            world.h.wait_for(lambda: self.is_occupied_well(fault, source), self.patience, "what the role is for, as before the fault")
        except AssertionError as error:
            self.violation(fault, n, error)
        self.finish(fault, n, source)
        if fault.role != "object":
            self.look_at_deaths(fault, n, self.log_since(offset))
        self.tried += 1
        self.hits += bool(fired)
        return bool(fired)

    def finish(self, fault, n, source):
        """The study comes to its end, and to the right one."""
        w = self.world
        try:
            world.h.wait_for(lambda: source.study in w.reported(), self.patience, "its report")
        except AssertionError as error:
            self.violation(fault, n, f"{error}: {source.study}")
            return
        if not w.is_kept(source):
            self.violation(fault, n, "acknowledged and gone")
        bad = w.query("SELECT 'parked '||kind||': '||why FROM result WHERE fate='parked' AND study=?", source.study)
        bad += w.query("SELECT 'delivery '||state||': '||last_error FROM delivery JOIN result ON result.id=delivery.result "
                       "WHERE study=? AND state NOT IN ('pending','sent')", source.study)
        if fault.role != "object":
            bad += w.query("SELECT state||' '||reason||': '||detail FROM instance WHERE study=? AND state<>'judged'", source.study)
        for what, in bad:
            self.violation(fault, n, what)

    def run_at(self, fault, numbers):
        """These N alone."""
        fired = [n for n in numbers if self.attempt(fault, n)]
        print(f"{fault}: N = {', '.join(map(str, numbers))} tried, of which {len(fired)} fired", flush=True)

    def run(self, fault, seconds, most=1 << 30):
        """N = 1 to the end, `most` or until the time is over."""
        end, begin = time.monotonic() + seconds, time.monotonic()
        n, tried, last, done = 0, 0, 0, False
        while time.monotonic() < end and tried < most:
            n += 1 if n < self.first else n // 6
            tried += 1
            if not self.attempt(fault, n):
                done = True
                break
            last = n
        if self.control.resynced:
            self.violation(fault, 0, f"{self.control.resynced} files synced again through a descriptor whose fsync had failed")
            struct.pack_into("=I", self.control.map, struct.calcsize("=IIIIiIQQQ"), 0)
        if last or not done:
            print(f"{fault}: {tried} tried, N to {last}{'' if done else ', unfinished'}, {time.monotonic() - begin:.0f} s", flush=True)

    def judge(self):
        """The checker's violations, once the last of them is gone or has had its time."""
        w, until = self.world, time.monotonic() + self.patience
        while True:
            found = world.checker.check(w.node.spool, [w.ledger_path], [w.pacs.log_path], settled=True, quarantine=False)[0]
            if not found or time.monotonic() > until:
                return found
            time.sleep(1)

    def end(self):
        what = self.world.wait_until_settled(60)
        if what:
            self.violations.append(f"does not settle: {what}")
        if self.world.sender.echo() is None:
            self.violations.append("C-ECHO is not answered at the end")
        for invariant, text in self.judge():
            self.violations.append(f"{invariant}: {text}")
        if self.violations:
            with open(self.world.node.log_path, encoding="utf-8", errors="replace") as f:
                print(f.read()[-3000:])
        code = self.world.close(keep=bool(self.violations))
        if code != 0:
            self.violations.append(f"the node ended with {code}")
        return what


def main(kind=Campaign, description="the N-th call fails", only="", never=(), runs="runs"):
    """never: roles that this kind of campaign has none of."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=60, help="for each fault")
    parser.add_argument("--only", default=only, metavar="ROLE:KIND[:HOW],...")
    parser.add_argument("--at", type=lambda text: [int(n) for n in text.split(",")], metavar="N,...")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--patience", type=float, default=kind.patience, metavar="SECONDS")
    wanted = parser.parse_args()
    only = [(*part.split(":"), "*")[:3] for part in wanted.only.split(",") if part]
    print(f"seed {wanted.seed}", flush=True)
    signal.signal(signal.SIGTERM, break_off)
    with world.tempfile.TemporaryDirectory(prefix="cervigate-calls-") as folder:
        campaign = kind(wanted.seed, folder)
        campaign.patience = wanted.patience
        campaign.first = 1 << 60 if wanted.every else FIRST
        try:
            for fault in faults(only):
                if fault.role in kind.roles and fault.role not in never:
                    if wanted.at:
                        campaign.run_at(fault, wanted.at)
                    else:
                        campaign.run(fault, wanted.seconds)
        except BrokenOff:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            campaign.violations.append("broken off")
        finally:
            campaign.control.disarm()
            campaign.end()
    print(f"seed {wanted.seed}: {campaign.tried} {runs}, {campaign.hits} faults, {len(campaign.violations)} violations; deaths in libraries: "
          + (", ".join(f"{library} {count}" for library, count in campaign.deaths.most_common()) or "none"))
    for what in campaign.violations:
        print("VIOLATION", what)
    return 1 if campaign.violations else 0


if __name__ == "__main__":
    sys.exit(main())
