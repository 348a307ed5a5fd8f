//! The charts of a document as Excel's own, each beside the numbers that it draws.

use rust_xlsxwriter::{
    Chart as Native, ChartFormat, ChartLine, ChartLineDashType, ChartMarker, ChartMarkerType, ChartType, Format, Worksheet, XlsxError,
};

use super::cut;
use crate::document::{Chart, Goal, Series, Shape};
use crate::text::{Lang, Text};

/// Columns of numbers: the charts stand to the right of the widest block.
const BESIDE: u16 = 5;
/// Rows that a chart covers.
const HIGH: u32 = 18;

/// A chart's numbers as a block: names of the rows, and one column a series.
struct Numbers {
    rows: Vec<Text>,
    series: Vec<Series>,
    kind: ChartType,
}

fn numbers(chart: &Chart) -> Numbers {
    let of = |categories: &[Text], series: &[Series], kind| Numbers { rows: categories.to_vec(), series: series.to_vec(), kind };
    match &chart.shape {
        Shape::Bars { categories, series } => of(categories, series, ChartType::Column),
        Shape::Stacked { categories, series } => of(categories, series, ChartType::ColumnStacked),
        Shape::Line { categories, series } => of(categories, series, ChartType::Line),
        Shape::Progress(goals) => {
            let column = |name: Text, pick: fn(&Goal) -> Option<f64>| Series { name, values: goals.iter().map(pick).collect() };
            let mut series = vec![column(chart.unit.clone(), |g| Some(g.value))];
            if goals.iter().any(|g| g.target.is_some()) {
                series.push(column(Text::new("目标", "target"), |g| g.target));
            }
            Numbers { rows: goals.iter().map(|g| g.label.clone()).collect(), series, kind: ChartType::Bar }
        }
    }
}

/// One block below the other; a chart that draws nothing is left out.
pub(super) fn charts(sheet: &mut Worksheet, name: &str, all: &[&Chart], lang: Lang) -> Result<(), XlsxError> {
    let (bold, title) = (Format::new().set_bold(), Format::new().set_bold().set_font_size(13));
    sheet.set_column_width(0, 26)?;
    let mut top = 0;
    for chart in all {
        let Numbers { rows, series, kind } = numbers(chart);
        if rows.is_empty() || series.is_empty() {
            continue;
        }
        sheet.write_string_with_format(top, 0, cut(chart.title.of(lang)), &title)?;
        sheet.write_string_with_format(top + 1, 0, cut(chart.unit.of(lang)), &bold)?;
        for (series, column) in series.iter().zip(1_u16..) {
            sheet.write_string_with_format(top + 1, column, cut(series.name.of(lang)), &bold)?;
            for (value, row) in series.values.iter().zip(top + 2..) {
                if let Some(value) = value.filter(|v| v.is_finite()) {
                    sheet.write_number(row, column, value)?;
                }
            }
        }
        for (label, row) in rows.iter().zip(top + 2..) {
            sheet.write_string(row, 0, cut(label.of(lang)))?;
        }
        let count = u32::try_from(rows.len()).unwrap_or(1);
        let mut native = Native::new(kind);
        native.title().set_name(cut(chart.title.of(lang)).as_str());
        native.y_axis().set_name(cut(chart.unit.of(lang)).as_str());
        if kind == ChartType::Bar {
            // bars stand as the rows do: the first on top
            native.x_axis().set_reverse();
        }
        for (n, (_, column)) in series.iter().zip(1_u16..).enumerate() {
            let line = native.add_series();
            line.set_name((name, top + 1, column)).set_categories((name, top + 2, 0, top + 1 + count, 0));
            line.set_values((name, top + 2, column, top + 1 + count, column));
            if kind == ChartType::Line {
                line.set_marker(ChartMarker::new().set_type(if n == 0 { ChartMarkerType::Circle } else { ChartMarkerType::Diamond }));
                if n > 0 {
                    line.set_format(ChartFormat::new().set_line(ChartLine::new().set_dash_type(ChartLineDashType::Dash)));
                }
            }
        }
        if series.len() < 2 {
            native.legend().set_hidden();
        }
        native.set_width(720).set_height(340);
        sheet.insert_chart(top, series.len().max(usize::from(BESIDE)) as u16 + 1, &native)?;
        top += count.saturating_add(4).max(HIGH + 2);
    }
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    Ok(())
}
