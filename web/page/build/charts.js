// The charts that the console draws, and nothing else of ECharts: lines, bars and intervals (a custom series).
import * as core from 'echarts/core';
import { LineChart, BarChart, CustomChart } from 'echarts/charts';
import { GridComponent, TooltipComponent, AriaComponent } from 'echarts/components';
import { CanvasRenderer } from 'echarts/renderers';

core.use([LineChart, BarChart, CustomChart, GridComponent, TooltipComponent, AriaComponent, CanvasRenderer]);

export const init = core.init;
export const version = core.version;
