// advice.js: for each reason not to be well, what to look at first (docs/health.md), and the part of the page that has it.

const ADVICE = {
  node: ['The supervisor does not run: journalctl -u cervigate, then systemctl start cervigate.', ''],
  receive: ['It is started again within seconds. If it dies again: the log’s role-died.', ''],
  analyze: ['It is started again within seconds; images wait. If it dies again: the log’s role-died.', ''],
  deliver: ['It is started again within seconds; results wait. If it dies again: the log’s role-died.', ''],
  announce: ['It is started again within seconds. If it dies again: the log’s role-died.', ''],
  orders: ['It is started again within seconds. If it dies again: the log’s role-died.', ''],
  inquire: ['It is started again within seconds. If it dies again: the log’s role-died.', ''],
  console: ['It is started again within seconds, and people have to log in again. If it dies again: the log’s role-died.', ''],
  audit: ['It is started again within seconds; records wait in the log. If it dies again: the log’s role-died.', 'audit'],
  trial: ['It is started again within seconds; until then nobody can try an image. If it dies again: the log’s role-died.', ''],
  'job-store': ['Disk and permissions of the spool.', ''],
  'spool-full': ['No image is taken. Make room on the spool’s disk, or lower the retention.', ''],
  'quarantine-full': ['Bytes that are refused from now on are not kept; their senders have them. Look why so much is refused, and discard what is done with.', 'set-aside'],
  certificate: ['Renew it; the node takes new files by itself.', 'configuration'],
  selftest: ['Run the self-test again below. If it fails again, nothing is judged until it passes.', ''],
  'oldest-job': ['A delivery that waits: look at the peers, and echo them. An object or report: is the role analyze running?', ''],
  delivery: ['Look at the reason of what is parked; mend the destination, then release it.', 'set-aside'],
  conflict: ['Two images have one SOP Instance UID: its vendor must mend the device. Discard the later ones when that is done with.', 'set-aside'],
  'order-query': ['Echo the peer; studies keep their place meanwhile.', ''],
  announcement: ['Look at the receiver; what it refused is not told again.', ''],
  'audit-unwritten': ['Disk and permissions of the spool: the log’s audit-failed.', 'audit'],
  'audit-broken': ['cervigate audit verify says where; then --acknowledge.', 'audit'],
  'audit-undrained': ['The collector’s host and certificates.', 'audit'],
  'station-silent': ['The device, its network, its configuration. On a holiday: nothing.', 'drift'],
  'refusal-rate': ['What was refused, and why.', 'set-aside'],
  'unprocessed-rate': ['What was not processed, and why.', 'set-aside'],
  'flag-rate': ['Another mix of patients, a device’s new processing, a broken window.', 'drift'],
  'score-shift': ['A device’s new processing. Closer together: it may say the same of everything.', 'drift'],
};

// { words, part }; part '' is the overview.
export function advice(name) {
  const [words, part] = ADVICE[name] ?? ['', ''];
  return { words, part };
}
