// What the pages draw with: see README.md for how echarts.min.js is made of it.
export { graphic, init } from "echarts/core";
import { use } from "echarts/core";
import { BarChart, CustomChart, HeatmapChart, LineChart, ParallelChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent, BrushComponent, DataZoomComponent, GridComponent, LegendComponent, LegendScrollComponent,
  MarkLineComponent, ParallelComponent, TooltipComponent, VisualMapComponent,
} from "echarts/components";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer, SVGRenderer } from "echarts/renderers";

use([
  BarChart, CustomChart, HeatmapChart, LineChart, ParallelChart, ScatterChart,
  AriaComponent, BrushComponent, DataZoomComponent, GridComponent, LegendComponent, LegendScrollComponent,
  MarkLineComponent, ParallelComponent, TooltipComponent, VisualMapComponent, LabelLayout, CanvasRenderer, SVGRenderer,
]);
