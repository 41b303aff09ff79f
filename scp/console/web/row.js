// row.js: one study in the worklist.
import { button, foreign, make, setText } from './dom.js';
import { nodeNow } from './source.js';
import { ageAndSex, capital, moment, pacsAddress, plain, spaced, wait } from './words.js';

export const columns = [
  { name: 'position', words: 'No.' },
  { name: 'band', words: 'Band' },
  { name: 'wait', words: 'Waiting' },
  { name: 'words', words: 'Answer' },
  { name: 'accession', words: 'Accession' },
  { name: 'patient', words: 'ID' },
  { name: 'age', words: 'Age, sex' },
  { name: 'time', words: 'Study time' },
  { name: 'station', words: 'Station' },
  { name: 'order', words: 'Order' },
  { name: 'act', words: 'Read' },
];

const CLASSES = { raised: 'raised', routine: 'routine', 'not judged': 'not-judged' };

// onAct(study): the button of the row was pressed; null where nobody may mark a study as read.
export function newRow(onAct) {
  const cells = {};
  const element = make('div', { role: 'row', class: 'row' });
  for (const { name } of columns) {
    cells[name] = make('span', { role: name === 'accession' ? 'rowheader' : 'gridcell', class: name });
    element.append(cells[name]);
  }
  const link = foreign('', null);
  cells.accession.append(make('a', null, link));
  const pacs = make('a', { class: 'pacs', target: '_blank', rel: 'noopener noreferrer', tabindex: '-1', hidden: true }, 'PACS');
  cells.accession.append(' ', pacs);
  const texts = { link };
  for (const name of ['patient', 'station']) cells[name].append(texts[name] = foreign('', null));
  const act = onAct ? button('', () => onAct(element.dataset.study)) : null;
  if (act) cells.act.append(act);
  return { element, cells, texts, act, pacs };
}

function setTitled(element, text) {
  setText(element, text);
  if (element.title !== text) element.title = text;
}

const ACTS = { marking: 'Marking', unmarking: 'Undoing', read: 'Undo' };

// state: { fresh: came while the page was open, gone: left the node's list, mine: see Marks, place: the number that it has }.
function fillAct(row, entry, { gone, mine }) {
  if (!row.act) return setText(row.cells.act, gone ? 'gone' : '');
  const words = ACTS[mine] ?? (gone ? '' : 'Mark read');
  setText(row.act, words);
  row.act.hidden = words === '';
  row.act.setAttribute('aria-label', words === 'Mark read' ? `${words}: ${plain(entry.accession) || entry.patient}` : words);
}

export function fillRow(row, entry, state, viewer) {
  const { cells, texts } = row;
  const left = state.mine === 'read' ? 'read' : state.gone ? 'gone' : '';
  const name = `row ${CLASSES[entry.band] ?? ''}${left ? ' gone' : ''}${state.fresh ? ' fresh' : ''}`;
  if (row.element.className !== name) row.element.className = name;
  setText(cells.position, String(state.place));
  setText(cells.band, `${capital(plain(entry.band))}${left ? `, ${left}` : state.fresh ? ', new' : ''}`);
  setText(cells.wait, wait(nodeNow() - new Date(entry.arrived).getTime()));
  if (row.entry !== entry) {
    row.entry = entry;
    setTitled(cells.words, capital(plain(entry.words) || spaced(entry.outcome)));
    const link = cells.accession.firstChild;
    setTitled(texts.link, plain(entry.accession) || 'no number');
    link.setAttribute('href', `#/study/${encodeURIComponent(entry.study)}`);
    const address = viewer ? pacsAddress(viewer, entry.study) : null;
    row.pacs.hidden = address === null;
    if (address !== null) row.pacs.setAttribute('href', address);
    row.pacs.setAttribute('aria-label', `PACS: ${plain(entry.accession) || 'no number'}`);
    setTitled(texts.patient, entry.patient ? `…${plain(entry.patient)}` : '');
    setText(cells.age, ageAndSex(entry));
    setText(cells.time, moment(entry.studyTime, nodeNow()));
    setTitled(texts.station, plain(entry.station));
    setText(cells.order, entry.order === 'UNKNOWN' ? '' : plain(entry.order));
  }
  fillAct(row, entry, state);
}
