// node words.test.mjs WEB: the console's modules that know no page: what is said, and what has changed in a list.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

// Not by name: to some versions of Node a .js is no module.
const load = (name) => import(`data:text/javascript,${encodeURIComponent(readFileSync(`${process.argv[2]}/${name}`, 'utf8'))}`);
const words = await load('words.js');
const { difference, inBands, inWords } = await load('order.js');

const entry = (study, band = 'routine') => ({ study, band });
const list = (text) => [...text].map((c) => entry(c.toLowerCase(), c === c.toUpperCase() ? 'raised' : 'routine'));

for (const [shown, latest, said] of [
  ['abc', 'abc', ''],
  ['abc', 'Xabyc', '2 new, 1 raised'],
  ['abc', 'aBc', '1 raised'],
  ['aBc', 'abc', ''], // no longer raised, and where it was
  ['aBc', 'acb', 'the order has changed'],
  ['abc', 'ac', '1 gone'],
  ['abc', 'Bxa', '1 new, 1 raised, 1 gone'],
  ['', 'abC', '3 new, 1 raised'],
  ['abc', 'cab', 'the order has changed'],
]) assert.equal(inWords(difference(list(shown), list(latest))), said, `${shown} -> ${latest}`);
const changed = difference(list('abc'), list('Xcab'));
assert.deepEqual([changed.fresh.map((e) => e.study), changed.moved, changed.gone], [['x'], true, []]);

const places = [['STAT', 'routine', '12:00'], ['strong', 'raised', '11:00'], ['weak', 'raised', '10:00'], ['old', 'not judged', '01:00'], ['older', 'routine', '00:30'],
  ['same', 'raised', '10:00']].map(([study, band, arrived], i) => ({ study, band, arrived, position: i + 1 }));
assert.deepEqual(inBands(places).map((e) => e.study), ['weak', 'same', 'strong', 'older', 'STAT', 'old']);
assert.deepEqual(places.map((e) => e.position), [1, 2, 3, 4, 5, 6]);

const [second, minute, hour, day] = [1000, 60000, 3600000, 86400000];
for (const [ms, said] of [
  [-5, '0 s'], [NaN, '0 s'], [999, '0 s'], [59 * second, '59 s'], [minute, '1 min'], [hour - 1, '59 min'], [hour, '1 h 00'],
  [day - 1, '23 h 59'], [day + 3 * hour, '1 d 03 h'],
]) assert.equal(words.wait(ms), said);
for (const [ms, said] of [[NaN, '0 ms'], [-3, '0 ms'], [10.4, '10 ms'], [999, '999 ms'], [61 * second, '1 min 01 s'], [2 * hour, '2 h 00']]) assert.equal(words.span(ms), said);

assert.deepEqual(['finding', 'no-finding', 'left-out', null].map(words.answerWords),
  ['Suspicion of a cervical spine injury', 'No finding above the operating point; this does not exclude injury', 'Left out', 'Not yet analysed']);

const wide = 'Rule: a study is a finding when one of its images is; an image is a finding when every model'; // 92 characters: "that" had no room
assert.deepEqual(words.paragraphs([wide, '  that judged it has a score.', '', 'Images', '  Image 1: finding', '    dislocation      0.9573   at or above',
  '  - Weights SHA-256', `    ${'ab'.repeat(32)}`, wide, '  or', `${'x'.repeat(88)} ends`, 'here']),
[[0, `${wide} that judged it has a score.`], [0, ''], [0, 'Images'], [2, 'Image 1: finding'], [4, 'dislocation  0.9573  at or above'],
  [2, '- Weights SHA-256'], [4, 'ab'.repeat(32)], [0, wide], [2, 'or'], [0, `${'x'.repeat(88)} ends`], [0, 'here']].map(([indent, text]) => ({ indent, text })));

for (const [name, said] of [
  ['Prüfung^Ärztin', 'Prüfung, Ärztin'], ['A^B^C^Dr^MD', 'A, Dr B C, MD'], ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'Yamada, Tarou (山田, 太郎; やまだ, たろう)'],
  ['', ''], ['^^^^', ''], ['=山田^太郎', '山田, 太郎'], [undefined, ''], ['a\u202eb\u0000c', 'a\ufffdb\ufffdc'],
]) assert.equal(words.personName(name), said);
assert.deepEqual(['034Y', '006M', '', '34', undefined].map(words.age), ['34 y', '6 mo', '', '34', '']);
assert.deepEqual(['19700102', '1970-01-02', '', '197', '19701399'].map(words.birthDate), ['2 Jan 1970', '2 Jan 1970', '', '197', '19701399']);
const now = new Date(2026, 10, 27, 16, 5);
assert.equal(words.moment(new Date(2026, 10, 27, 3, 4), now), '03:04');
assert.equal(words.moment(new Date(2026, 10, 26, 3, 4, 9), now, true), '26 Nov 03:04:09');
assert.equal(words.moment(new Date(2025, 0, 1, 3, 4), now), '1 Jan 2025 03:04');
assert.equal(words.moment('', now), '');
