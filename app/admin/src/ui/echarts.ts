// The kinds of chart the panel uses, and no others: each is some ten kilobytes.
import {
  BarChart,
  FunnelChart,
  GraphChart,
  HeatmapChart,
  LineChart,
  PieChart,
  ScatterChart,
  TreeChart,
} from 'echarts/charts';
import {
  AriaComponent,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
  TooltipComponent,
  VisualMapComponent,
} from 'echarts/components';
import * as core from 'echarts/core';
import EN from 'echarts/lib/i18n/langEN.js';
import ZH from 'echarts/lib/i18n/langZH.js';
import { CanvasRenderer, SVGRenderer } from 'echarts/renderers';

core.use([
  AriaComponent,
  BarChart,
  CanvasRenderer,
  DatasetComponent,
  FunnelChart,
  GraphChart,
  GridComponent,
  HeatmapChart,
  LegendComponent,
  LineChart,
  MarkLineComponent,
  PieChart,
  SVGRenderer,
  ScatterChart,
  TitleComponent,
  TooltipComponent,
  TreeChart,
  VisualMapComponent,
]);
core.registerLocale('ZH', ZH);
core.registerLocale('EN', EN);

export const engine = core;
export type Engine = typeof core;
