import type { EChartsCoreOption } from 'echarts/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Engine } from './echarts';
import { Waiting } from './Waiting';

export type ChartProps = {
  /** What the chart shows, in words: stands on the wrapper, because ECharts writes its own
   * aria-label (a sentence with the numbers) on its element. */
  label: string;
  option: EChartsCoreOption;
  height?: number;
  /** For more than 1,000 points; otherwise SVG, whose text is in the page. */
  canvas?: boolean;
  onClick?: (params: unknown) => void;
};

/** Chart draws with ECharts, which is loaded when the first chart is shown. */
export function Chart({ label, option, height = 280, canvas, onClick }: ChartProps) {
  const { i18n } = useTranslation('app');
  const box = useRef<HTMLDivElement>(null);
  const [make, setMake] = useState<{ engine: Engine } | null>(null);
  const chart = useRef<ReturnType<Engine['init']> | null>(null);
  const click = useRef(onClick);
  click.current = onClick;

  useEffect(() => {
    let gone = false;
    void import('./echarts').then((m) => {
      if (!gone) setMake({ engine: m.engine });
    });
    return () => {
      gone = true;
    };
  }, []);

  useEffect(() => {
    if (!make || !box.current) return;
    const drawn = make.engine.init(box.current, null, {
      renderer: canvas ? 'canvas' : 'svg',
      locale: i18n.language === 'en' ? 'EN' : 'ZH',
    });
    chart.current = drawn;
    drawn.on('click', (p) => click.current?.(p));
    const watch = new ResizeObserver(() => drawn.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      drawn.dispose();
      chart.current = null;
    };
  }, [make, canvas, i18n.language]);

  useEffect(() => {
    if (!make) return;
    chart.current?.setOption(
      {
        aria: { enabled: true },
        animationDuration: 200,
        animationDurationUpdate: 200,
        color: ['#0958d9', '#d46b08', '#237804', '#722ed1', '#c41d7f', '#08979c', '#ad8b00', '#595959'],
        textStyle: { fontFamily: 'inherit' },
        ...option,
      },
      { notMerge: true },
    );
  }, [make, option]);

  return (
    <figure aria-label={label} style={{ margin: 0, height, position: 'relative' }}>
      <div ref={box} style={{ height: '100%', width: '100%' }} />
      {make ? null : (
        <div style={{ position: 'absolute', inset: 0 }}>
          <Waiting height={height} />
        </div>
      )}
    </figure>
  );
}
