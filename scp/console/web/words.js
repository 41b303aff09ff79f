// words.js: how times, ages, names and codes are said. Nothing here has decimals.

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const two = (n) => String(n).padStart(2, '0');

// Control characters, and those that turn the order of letters about, become visible: a header must not be able to show a name
// backwards or to break a line.
export function plain(text) {
  return String(text ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
}

// PS3.5 6.2.1: up to three groups (letters, ideograms, sounds), each Family^Given^Middle^Prefix^Suffix.
export function personName(name) {
  const groups = plain(name).split('=').map((group) => {
    const [family, given, middle, prefix, suffix] = group.split('^').map((part) => part.trim());
    const first = [prefix, given, middle].filter(Boolean).join(' ');
    return [family, first, suffix].filter(Boolean).join(', ');
  }).filter(Boolean);
  return groups.length > 1 ? `${groups[0]} (${groups.slice(1).join('; ')})` : groups[0] ?? '';
}

const AGE_UNITS = { Y: 'y', M: 'mo', W: 'wk', D: 'd' };

// "034Y" is "34 y".
export function age(code) {
  const found = /^(\d{3})([YMWD])$/.exec(code ?? '');
  return found ? `${Number(found[1])} ${AGE_UNITS[found[2]]}` : plain(code);
}

export function ageAndSex(entry) {
  return [age(entry.age), plain(entry.sex)].filter(Boolean).join(' ');
}

// "19700102" or "1970-01-02".
export function birthDate(text) {
  const found = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(text ?? '');
  const month = found ? MONTHS[Number(found[2]) - 1] : undefined;
  return month ? `${Number(found[3])} ${month} ${found[1]}` : plain(text);
}

function parsed(time) {
  const date = time instanceof Date ? time : new Date(time ?? NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}

export function clock(time) {
  const date = parsed(time);
  return date ? `${two(date.getHours())}:${two(date.getMinutes())}` : '';
}

export function clockSeconds(time) {
  const date = parsed(time);
  return date ? `${clock(date)}:${two(date.getSeconds())}` : '';
}

// Today its time, else the day, too; another year is said.
export function moment(time, now = Date.now(), seconds = false) {
  const date = parsed(time);
  if (!date) return '';
  const today = new Date(now);
  const hour = seconds ? clockSeconds(date) : clock(date);
  if (date.toDateString() === today.toDateString()) return hour;
  const year = date.getFullYear() === today.getFullYear() ? '' : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${MONTHS[date.getMonth()]}${year} ${hour}`;
}

// How long somebody has waited: coarser the longer it is.
export function wait(ms) {
  if (!(ms >= SECOND)) return '0 s';
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${two(Math.floor((ms % HOUR) / MINUTE))}`;
  return `${Math.floor(ms / DAY)} d ${two(Math.floor((ms % DAY) / HOUR))} h`;
}

// Between two steps of a study.
export function span(ms) {
  if (!(ms >= SECOND)) return `${Math.max(0, Math.round(ms)) || 0} ms`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${two(Math.floor((ms % MINUTE) / SECOND))} s`;
  return wait(ms);
}

export function count(n, one, many = `${one}s`) {
  return `${n} ${n === 1 ? one : many}`;
}

export function capital(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : '';
}

// "not-processed" is "not processed".
export function spaced(code) {
  return plain(code).replaceAll('-', ' ').replaceAll('_', ' ');
}

// What the node answered, of a study whose place says only that it has been read. "No finding" clears nothing.
const ANSWERS = {
  finding: 'Suspicion of a cervical spine injury', 'no-finding': 'No finding above the operating point; this does not exclude injury',
  incomplete: 'No suspicion, incomplete', undetermined: 'The models disagree', 'not-processed': 'Not analysed',
};

export function answerWords(outcome) {
  return outcome ? ANSWERS[outcome] ?? capital(spaced(outcome)) : 'Not yet analysed';
}

const COLUMNS = 96; // after which the report's lines are broken (sr_templates/text.c)

// A report's lines as paragraphs, [{ indent, text }]: what was broken for a wide page is whole again, and columns that were set out with
// spaces, which do not stand in a narrow one, have two between them. A further line is two deeper, and its first word had no room before.
export function paragraphs(lines) {
  const found = [];
  let room = COLUMNS;
  for (const line of lines.map(plain)) {
    const indent = line.search(/\S|$/);
    const words = line.slice(indent);
    const last = found.at(-1);
    const length = [...line].length;
    if (last?.text && words && indent === last.indent + 2 && room < 1 + [...words.split(' ', 1)[0]].length) last.text += ` ${words}`;
    else found.push({ indent, text: words.replace(/ {3,}/g, '  ') });
    room = COLUMNS - length;
  }
  return found;
}

const MODES = {
  shadow: 'shadow: nobody is told, nothing is sent',
  demo: 'demo: results are marked RESEARCH',
  clinical: 'clinical',
};

export function mode(name) {
  return MODES[name] ?? plain(name);
}

// The study in the site's viewer; null when the address is none that a page may open.
export function pacsAddress(address, study) {
  try {
    const url = new URL(String(address).replaceAll('{study}', encodeURIComponent(study)));
    return ['https:', 'http:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
