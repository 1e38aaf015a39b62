import { describe, expect, it } from 'vitest';
import {
  type Arm,
  type Content,
  divided,
  emptyDraft,
  heldFor,
  isWhole,
  leftAlone,
  linkWord,
  pieces,
  sooner,
  toInput,
  withArm,
  withoutUse,
  withUse,
} from './draft';

const says = (text: string): Content => ({ text, fields: [], link_no: 0 });
const sms = { channel: 'sms', account_id: null, template_id: '' };
const chat = { channel: 'custom', account_id: '7', template_id: '' };
const grant = { channel: 'subscribe', account_id: '7', template_id: ' tpl ' };
const arm = (name: string, ...texts: string[]): Arm => ({ name, weight: 1, contents: texts.map(says) });

describe('ways and versions', () => {
  it('the first way makes the first version', () => {
    expect(withUse({ uses: [], arms: [] }, sms).arms).toEqual([arm('A', '')]);
  });
  it('a way that is added, moved or dropped takes its words along, in every version', () => {
    let d = withUse({ uses: [chat], arms: [arm('A', 'a chat'), arm('B', 'b chat')] }, sms);
    d = sooner(d, 1);
    expect(d.uses.map((u) => u.channel)).toEqual(['sms', 'custom']);
    expect(d.arms.map((a) => a.contents.map((c) => c.text))).toEqual([
      ['', 'a chat'],
      ['', 'b chat'],
    ]);
    d = withoutUse(d, 0);
    expect(d.arms.map((a) => a.contents.map((c) => c.text))).toEqual([['a chat'], ['b chat']]);
  });
  it('a new version is a copy that can be changed alone', () => {
    const arms = withArm([arm('A', 'one')]);
    expect(arms.map((a) => a.name)).toEqual(['A', 'B']);
    if (arms[1]?.contents[0]) arms[1].contents[0].text = 'two';
    expect(arms[0]?.contents[0]?.text).toBe('one');
  });
});

describe('who is left out', () => {
  it('a share of the people, whether they can be reached or not, with those whom every push leaves alone', () => {
    expect(leftAlone(1000, divided({ purpose: 'marketing', held_bp: 1000 }, 0))).toEqual({
      people: 100,
      percent: '10%',
    });
    // 5% of all, and 10% of the other 95%
    expect(leftAlone(1000, divided({ purpose: 'marketing', held_bp: 1000 }, 500))).toEqual({
      people: 145,
      percent: '14.5%',
    });
    expect(leftAlone(1000, divided({ purpose: 'service', held_bp: 0 }, 500))).toEqual({ people: 0, percent: '0%' });
    const d = divided({ purpose: 'marketing', held_bp: 1234 }, 500);
    expect(d.universal + d.held + d.rest).toBeCloseTo(1);
    expect(leftAlone(0, d).people).toBe(0);
  });
  it('of a service notice nobody is, unless somebody wants that', () => {
    expect(heldFor('service', 1250)).toBe(0);
    expect(heldFor('marketing', 1250)).toBe(12.5);
    const d = emptyDraft(1250);
    expect(toInput({ ...d, purpose: 'service', held_percent: heldFor('service', 1250) }, '9')?.held_bp).toBe(0);
    expect(toInput({ ...d, purpose: 'service', held_percent: 5 }, '9')?.held_bp).toBe(500);
  });
});

describe('what the server is sent', () => {
  it('only what the audience, the time and each channel take', () => {
    const sent = toInput(
      {
        ...emptyDraft(1000),
        who: 'list',
        segment_id: '1',
        list_id: '2',
        start_at: '2026-12-01T02:00:00Z',
        uses: [chat, grant],
        arms: [
          {
            name: 'A',
            weight: 1,
            contents: [
              { text: 'hello', fields: [{ key: 'thing1', text: 'x' }], link_no: 1 },
              {
                text: 'hello',
                fields: [
                  { key: 'thing1', text: 'x' },
                  { key: '', text: 'y' },
                ],
                link_no: 1,
              },
            ],
          },
        ],
      },
      '9',
    );
    expect(sent).toMatchObject({ segment_id: null, list_id: '2', start_at: null, held_bp: 1000 });
    expect(sent?.uses).toEqual([
      { channel: 'custom', account_id: '7' },
      { channel: 'subscribe', account_id: '7', template_id: 'tpl' },
    ]);
    expect(sent?.arms?.[0]?.contents).toEqual([
      { text: 'hello', data: {}, link_no: 0 },
      { text: '', data: { thing1: 'x' }, link_no: 1 },
    ]);
  });
});

describe('a push that lacks something', () => {
  const whole = {
    segment_id: '1',
    list_id: null,
    uses: [{ channel: 'sms', account_id: null }],
    arms: [{ name: 'A', weight: 1, contents: [] }],
    timing: 'now',
    start_at: null,
  };
  it('is whole with people, a way, a message and, if it has one, its moment', () => {
    expect(isWhole(whole)).toBe(true);
    expect(isWhole({ ...whole, timing: 'best' })).toBe(true);
    for (const lack of [{ segment_id: null }, { segment_id: '0' }, { uses: [] }, { arms: [] }, { timing: 'at' }])
      expect(isWhole({ ...whole, ...lack })).toBe(false);
  });
});

describe('a text for one person', () => {
  const kinds = (text: string, values = {}) =>
    pieces(text, values, ['name', 'points'], 1).map((p) => `${p.kind}:${p.text}`);
  it('tells what is known from what is missing, what stands in for it, and what does not exist', () => {
    expect(kinds('Dear {name|friend}, {points} {pionts}', { points: '3' })).toEqual([
      'text:Dear ',
      'otherwise:friend',
      'text:, ',
      'value:3',
      'text: ',
      'wrong:{pionts}',
    ]);
    expect(kinds('{name}')).toEqual(['missing:{name}']);
  });
  it('a link that is not filled in is wrong', () => {
    expect(kinds(`{${linkWord}1}{${linkWord}2}`)).toEqual([`link:{${linkWord}1}`, `wrong:{${linkWord}2}`]);
  });
});
