//! A drawing as SVG: colours by class for the page's theme, with the colours of white paper where no style sheet is.

use crate::chart::{Drawing, Ink, Mark};
use crate::document::Align;
use crate::markup::Html;

/// The drawing as one `<svg>`, named for those who cannot see it. `class` tells a wide one from a narrow one.
pub fn svg(drawing: &Drawing, title: &str, class: &str) -> Html {
    let mut html = Html::default();
    let size = format!("0 0 {} {}", drawing.width, drawing.height.ceil());
    let (width, height) = (drawing.width.to_string(), drawing.height.ceil().to_string());
    let attributes = [
        ("xmlns", "http://www.w3.org/2000/svg"),
        ("class", class),
        ("viewBox", size.as_str()),
        ("width", &width),
        ("height", &height),
        ("role", "img"),
        ("font-family", "sans-serif"),
    ];
    html.node("svg", &attributes, |svg| {
        svg.leaf("title", &[], title);
        for mark in &drawing.marks {
            draw(svg, mark);
        }
    });
    html
}

fn draw(svg: &mut Html, mark: &Mark) {
    match mark {
        Mark::Rect { x, y, width, height, ink } => {
            let (class, fill) = look(*ink);
            let [x, y, width, height] = [x, y, width, height].map(f64::to_string);
            let place = [("x", x.as_str()), ("y", &y), ("width", &width), ("height", &height), ("class", class), ("fill", &fill)];
            svg.leaf("rect", &place, "");
        }
        Mark::Hatch { lines, ink, width } => {
            let (class, stroke) = look(*ink);
            let d: String = lines.iter().map(|[(x, y), (to_x, to_y)]| format!("M{x} {y}L{to_x} {to_y}")).collect();
            let (class, width) = (format!("{class} line"), width.to_string());
            svg.leaf("path", &[("d", &d), ("class", &class), ("fill", "none"), ("stroke", &stroke), ("stroke-width", &width)], "");
        }
        Mark::Line { points, ink, width, dash } => {
            let (class, stroke) = look(*ink);
            let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
            let (points, width) = (points.join(" "), width.to_string());
            let class = format!("{class} line");
            let dashes = dash.to_string();
            let mut how =
                vec![("points", points.as_str()), ("class", &class), ("fill", "none"), ("stroke", &stroke), ("stroke-width", &width)];
            if *dash > 0.0 {
                how.push(("stroke-dasharray", &dashes));
            }
            svg.leaf("polyline", &how, "");
        }
        Mark::Dot { x, y, radius, ink } => {
            let (class, fill) = look(*ink);
            let [x, y, r] = [x, y, radius].map(f64::to_string);
            svg.leaf("circle", &[("cx", &x), ("cy", &y), ("r", &r), ("class", class), ("fill", &fill)], "");
        }
        Mark::Label { x, y, text, size, align, ink } => {
            let (class, fill) = look(*ink);
            let [x, y, size] = [x, y, size].map(f64::to_string);
            let anchor = match align {
                Align::Left => "start",
                Align::Centre => "middle",
                Align::Right => "end",
            };
            let how = [("x", x.as_str()), ("y", &y), ("font-size", &size), ("text-anchor", anchor), ("class", class), ("fill", &fill)];
            svg.leaf("text", &how, text);
        }
    }
}

fn look(ink: Ink) -> (&'static str, String) {
    let (class, colour) = ink.look();
    (class, format!("#{colour:06x}"))
}
