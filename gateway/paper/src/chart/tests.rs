//! Marks stand where the values say.

use super::*;
use crate::document::Goal;

fn chart(shape: Shape) -> Chart {
    Chart { title: Text::same("图"), summary: Text::default(), unit: Text::same("例"), shape }
}

fn series(values: &[&[Option<f64>]]) -> Vec<Series> {
    values.iter().enumerate().map(|(i, v)| Series { name: Text::same(format!("系列{i}")), values: v.to_vec() }).collect()
}

fn names(count: usize) -> Vec<Text> {
    (1..=count).map(|i| Text::same(format!("{i}月"))).collect()
}

fn bars(drawing: &Drawing) -> Vec<(f64, f64, f64, f64)> {
    let rects = drawing.marks.iter().filter_map(|m| match m {
        Mark::Rect { x, y, width, height, .. } => Some((*x, *y, *width, *height)),
        _ => None,
    });
    // the legend's squares are not bars
    rects.filter(|r| r.2 != 11.0).collect()
}

#[test]
fn heights_are_in_proportion() {
    let one = series(&[&[Some(10.0), Some(5.0), None, Some(0.0)]]);
    let drawn = bars(&chart(Shape::Bars { categories: names(4), series: one }).draw(720.0, Lang::Zh));
    assert_eq!(drawn.len(), 3, "nothing is drawn for what is not known");
    assert_eq!((drawn[0].3, drawn[1].3, drawn[2].3), (210.0, 105.0, 0.0));
    assert_eq!(drawn[0].1 + drawn[0].3, drawn[1].1 + drawn[1].3, "both stand on the axis");
}

#[test]
fn parts_lie_one_upon_the_other() {
    let two = series(&[&[Some(10.0)], &[Some(30.0)]]);
    let drawn = bars(&chart(Shape::Stacked { categories: names(1), series: two }).draw(720.0, Lang::Zh));
    assert_eq!(drawn[0].1, drawn[1].1 + drawn[1].3);
    assert_eq!(drawn[0].3 * 3.0, drawn[1].3);
}

#[test]
fn a_target_is_where_the_bar_would_be_full() {
    let goal = |value, target| Goal { label: Text::same("影像"), value, target };
    let drawn = chart(Shape::Progress(vec![goal(50.0, Some(100.0)), goal(125.0, Some(100.0))])).draw(500.0, Lang::Zh);
    let widths: Vec<f64> = bars(&drawn).iter().map(|b| b.2).collect();
    assert_eq!(widths, [500.0, 200.0, 500.0, 500.0], "track, bar, track, bar: 125 % fills the width");
    let marks = drawn.marks.iter().filter(|m| matches!(m, Mark::Line { ink: Ink::Target, points, .. } if points[0].0 == 400.0));
    assert_eq!(marks.count(), 2);
    assert!(drawn.marks.iter().any(|m| matches!(m, Mark::Label { text, .. } if text == "50 / 100 例 · 50.0%")));
}

#[test]
fn a_gap_parts_a_line() {
    let one = series(&[&[Some(1.0), Some(2.0), None, Some(4.0), Some(5.0)]]);
    let drawn = chart(Shape::Line { categories: names(5), series: one }).draw(720.0, Lang::Zh);
    let runs: Vec<usize> = drawn
        .marks
        .iter()
        .filter_map(|m| match m {
            Mark::Line { points, ink: Ink::Series(_), .. } => Some(points.len()),
            _ => None,
        })
        .collect();
    assert_eq!(runs, [2, 2]);
}

#[test]
fn strange_values_are_drawn_inside() {
    let odd = series(&[&[Some(f64::NAN), Some(f64::INFINITY), Some(-3.0), Some(1e300), Some(1e-300)], &[]]);
    for shape in [
        Shape::Bars { categories: names(5), series: odd.clone() },
        Shape::Stacked { categories: names(5), series: odd.clone() },
        Shape::Line { categories: names(5), series: odd.clone() },
        Shape::Bars { categories: vec![], series: vec![] },
        Shape::Line { categories: names(400), series: series(&[&[Some(0.0)]]) },
        Shape::Progress(vec![Goal { label: Text::default(), value: f64::NAN, target: Some(0.0) }]),
        Shape::Progress(vec![]),
    ] {
        let drawn = chart(shape.clone()).draw(f64::NAN, Lang::En);
        assert!(drawn.height.is_finite() && drawn.marks.len() < 3_000, "{shape:?}");
        for (x, y, width, height) in bars(&drawn) {
            let inside = x >= 0.0 && y >= -0.01 && x + width <= drawn.width + 0.01 && y + height <= drawn.height + 0.01;
            assert!(inside, "{shape:?}: {x} {y} {width} {height} of {} {}", drawn.width, drawn.height);
        }
    }
}

#[test]
fn labels_are_cut_to_their_room() {
    assert_eq!(fit("石堤镇中心卫生院", 200.0), "石堤镇中心卫生院");
    assert_eq!(fit("石堤镇中心卫生院", 60.0), "石堤镇中…");
    assert_eq!(two_lines("石堤镇中心卫生院", 60.0), ["石堤镇中心", "卫生院"]);
    assert_eq!(two_lines("Shidi health centre", 60.0), ["Shidi", "health …"]);
    assert_eq!((number(12_345.0), number(0.5), number(99.999)), ("12,345".into(), "0.5".into(), "100".into()));
}
