"""The N-th call fails in the roles that talk with the site's other systems: `scripts/faults site_calls [--starts] [OPTIONS OF calls]`.

As calls.py (--starts: as starts.py), with an audit collector, a webhook, a RIS that tells orders by HL7, a Modality Worklist that has them, and
a reader who asks for the list. Beside what calls.py demands, for every N and once the fault is over:
  - audit: the collector gets every record
  - announce, crier: the webhook is told of the study
  - orders, hearer: an order that was answered AA is in the job store, and one is taken
  - inquire, inquirer: the study's order is there, from the worklist
  - desk: the study is in the list"""
import contextlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
import calls  # noqa: E402
import starts  # noqa: E402
import world  # noqa: E402
from collector import Collector  # noqa: E402
from hook import Hook  # noqa: E402
from order_scp import OrderScp, item  # noqa: E402
from test_orders import Caller, Site, code  # noqa: E402
from ups_scu import Refused, Scu, keys  # noqa: E402

PART = """<cervigate xmlns="urn:cervigate:config:1">
  <peers><peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{ris}"/></peers>
  <audit host="127.0.0.1" port="{collector}" transport="tcp"/>
  <orders listen="true" address="127.0.0.1" port="0"/>
  <orderQuery peer="ris" period="1" periodMost="1" answerTime="5" retryFirst="1" retryMost="1"/>
  <readingWorklist offer="pull" demo="true"/>
  <announcements><webhook name="hook" url="{hook}" demo="true" retryFirst="1" retryMost="1"/></announcements>
</cervigate>
"""


class OfSite:
    """What both campaigns have beside theirs."""
    roles = calls.SITE_ROLES

    def __init__(self, seed, folder):
        super().__init__(seed, folder)
        self.collector, self.hook, self.site = Collector(), Hook(), Site()
        self.ris = OrderScp(os.path.join(folder, "ris"), knows=("AccessionNumber",))
        part = os.path.join(os.path.splitext(self.world.node.config)[0] + ".d", "site.xml")
        os.mkdir(os.path.dirname(part))
        with open(part, "w", encoding="utf-8") as f:
            f.write(PART.format(ris=self.ris.port, collector=self.collector.port, hook=self.hook.url))
        self.world.sender.death("stop")
        self.world.node.process.terminate()
        self.world.node.process.wait(30)
        self.world.node.start()

    def order(self, source):
        """For the checker, before the site says it."""
        self.world.sender.order("site", accession=source.patient, priority="ROUTINE")

    def tell(self, source, seconds):
        """Whether the study's order was accepted."""
        self.order(source)
        with contextlib.suppress(OSError, KeyError, ValueError), Caller(self.world.node, seconds) as caller:
            return code(caller.ask(self.site.omi(source.patient, priority="R", number=source.patient[-8:], patient=source.patient))) == "AA"
        return False

    def ask(self, source, seconds):
        """Whether a reader finds the study in the list."""
        with contextlib.suppress(OSError, KeyError, ValueError, AssertionError, Refused), Scu(self.world.node.port, timeout=seconds) as scu:
            return bool(scu.find(keys(request={"StudyInstanceUID": source.study})))
        return False

    def knows_order(self, source):
        return bool(self.world.query("SELECT 1 FROM site_order WHERE accession=?", source.patient))

    def has_all(self):
        """Whether the collector has every record of the log."""
        folder = os.path.join(self.world.node.spool, "audit")
        logs = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".log")]
        last = sum(world.read(path).count(b"\n") for path in logs)
        return len(set(self.collector.once())) >= last

    def occupy(self, fault, source):
        if fault.role in ("orders", "hearer"):
            if self.tell(source, 2) and not self.knows_order(source):
                self.violation(fault, 0, f"an order was answered AA and is not there: {source.patient}")
        elif fault.role in ("inquire", "inquirer"):
            self.order(source)
            self.ris.items = list(item(source.patient, source.patient, source.study, "ROUTINE"))
        elif fault.role == "desk":
            self.ask(source, 2)

    def is_done(self, fault, source):
        return super().is_done(fault, source) and self.has_done(fault, source, 2)

    def is_occupied_well(self, fault, source):
        return self.has_done(fault, source, self.patience)

    def has_done(self, fault, source, seconds):
        if fault.role == "audit":
            return self.has_all()
        if fault.role in ("announce", "crier"):
            return bool(self.hook.news(source.study))
        if fault.role in ("inquire", "inquirer"):
            return self.knows_order(source)
        if fault.role == "desk":
            return self.ask(source, seconds)
        return self.tell(source, seconds) and self.knows_order(source)

    def end(self):
        super().end()
        self.collector.stop()
        self.hook.close()
        self.ris.close()


class Calls(OfSite, calls.Campaign):
    pass


class Starts(OfSite, starts.Campaign):
    def finish(self, fault, n, source):
        """The study comes to its end, and the role did what it is for."""
        if fault.role in ("inquire", "inquirer"):
            self.occupy(fault, source)
        super().finish(fault, n, source)
        try:
            world.h.wait_for(lambda: self.is_occupied_well(fault, source), self.patience, "what the role is for")
        except AssertionError as error:
            self.violation(fault, n, error)


if __name__ == "__main__":
    if "--starts" in sys.argv:
        sys.argv.remove("--starts")
        sys.exit(calls.main(Starts, "the N-th call fails while a role for the site starts", "*:malloc", ("crier", "hearer", "inquirer"), "starts"))
    sys.exit(calls.main(Calls, "the N-th call fails in a role for the site"))
