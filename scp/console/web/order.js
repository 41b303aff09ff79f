// order.js: what has changed since the list was shown, and the list by bands. Pure: no page, no clock.

const isRaised = (entry) => entry.band === 'raised';

// shown: entries as they stand on the page; latest: the node's. fresh: those that are new, in the node's order; raised: how many are
// newly in the raised band, of the fresh ones or of those shown; gone: studies that left; moved: the others stand in another order.
export function difference(shown, latest) {
  const before = new Map(shown.map((entry) => [entry.study, entry]));
  const after = new Set(latest.map((entry) => entry.study));
  const fresh = latest.filter((entry) => !before.has(entry.study));
  const raised = latest.filter((entry) => isRaised(entry) && !(before.has(entry.study) && isRaised(before.get(entry.study)))).length;
  const gone = shown.filter((entry) => !after.has(entry.study)).map((entry) => entry.study);
  const stayed = shown.filter((entry) => after.has(entry.study));
  const others = latest.filter((entry) => before.has(entry.study));
  const moved = stayed.some((entry, i) => entry.study !== others[i].study);
  return { fresh, raised, gone, moved };
}

const BANDS = ['raised', 'routine', 'not judged'];

// Band after band, in each the oldest first: to look at, for the node's own order is the one to read by.
export function inBands(entries) {
  const key = (entry) => [BANDS.indexOf(entry.band), entry.arrived, entry.position];
  const before = (a, b, i = 0) => (i === a.length ? 0 : a[i] < b[i] ? -1 : a[i] > b[i] ? 1 : before(a, b, i + 1));
  return [...entries].sort((one, other) => before(key(one), key(other)));
}

// "2 new, 1 raised"; '' when there is nothing to say.
export function inWords({ fresh, raised, gone, moved }) {
  const parts = [];
  if (fresh.length) parts.push(`${fresh.length} new`);
  if (raised) parts.push(`${raised} raised`);
  if (gone.length) parts.push(`${gone.length} gone`);
  if (parts.length === 0 && moved) parts.push('the order has changed');
  return parts.join(', ');
}
