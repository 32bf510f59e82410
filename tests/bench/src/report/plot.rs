//! Two kinds of pictures in SVG, made of text: bars in groups, and lines over time.

use std::fmt::Write as _;

/// A bar with what it may vary by.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

/// A line through points.
pub(super) struct Line {
    pub(super) label: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// Colours that people who see fewer of them tell apart (Okabe and Ito).
const COLOURS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555",
];
const WIDTH: f64 = 840.0;
/// Where the plot begins and ends.
const LEFT: f64 = 210.0;
const RIGHT: f64 = WIDTH - 110.0;
const TOP: f64 = 40.0;
const ROW: f64 = 18.0;

/// Horizontal bars in groups; a thin line on each shows how far it varied.
pub(super) fn bars(title: &str, groups: &[(String, Vec<Bar>)]) -> String {
    let all = || groups.iter().flat_map(|(_, bars)| bars);
    let most = all().map(|bar| bar.most).fold(1.0, f64::max);
    let x = |value: f64| LEFT + value / most * (RIGHT - LEFT);
    let mut labels: Vec<&str> = all().map(|bar| bar.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    let (mut y, mut svg) = (TOP, String::new());
    for (group, bars) in groups {
        text(&mut svg, 10.0, y + 13.0, "start", group);
        y += ROW;
        for bar in bars {
            let colour = colour(labels.iter().position(|label| *label == bar.label));
            let middle = y + ROW / 2.0;
            let _infallible = write!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\
                 <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\" stroke=\"black\"/>",
                y + 2.0,
                x(bar.value) - LEFT,
                ROW - 4.0,
                x(bar.least),
                x(bar.most),
            );
            text(&mut svg, LEFT - 6.0, y + 13.0, "end", &bar.label);
            let value = format!("{:.2}", bar.value);
            text(&mut svg, x(bar.most) + 6.0, y + 13.0, "start", &value);
            y += ROW;
        }
        y += ROW / 2.0;
    }
    whole(title, y + 10.0, &svg)
}

/// Lines over a common pair of axes that begin at zero.
pub(super) fn lines(title: &str, lines: &[Line]) -> String {
    let bottom = TOP + 300.0;
    let points = || lines.iter().flat_map(|line| &line.points);
    let most_x = points().map(|point| point.0).fold(1.0, f64::max);
    let most_y = points().map(|point| point.1).fold(1.0, f64::max);
    let left = 60.0;
    let x = |value: f64| left + value / most_x * (RIGHT - left);
    let y = |value: f64| bottom - value / most_y * (bottom - TOP);
    let mut svg = String::new();
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let (at_x, at_y) = (x(share * most_x), y(share * most_y));
        let _infallible = write!(
            svg,
            "<line x1=\"{left}\" x2=\"{RIGHT}\" y1=\"{at_y:.1}\" y2=\"{at_y:.1}\" stroke=\"#ddd\"/>"
        );
        let (value_x, value_y) = (share * most_x, share * most_y);
        text(
            &mut svg,
            left - 6.0,
            at_y + 4.0,
            "end",
            &format!("{value_y:.0}"),
        );
        text(
            &mut svg,
            at_x,
            bottom + 16.0,
            "middle",
            &format!("{value_x:.1}"),
        );
    }
    for (index, line) in lines.iter().enumerate() {
        let colour = colour(Some(index));
        let points = line.points.iter().fold(String::new(), |mut points, point| {
            let _infallible = write!(points, "{:.1},{:.1} ", x(point.0), y(point.1));
            points
        });
        let _infallible = write!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\
             <rect x=\"{left}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>",
            bottom + 26.0 + ROW * index as f64,
        );
        let at = bottom + 35.0 + ROW * index as f64;
        text(&mut svg, left + 16.0, at, "start", &line.label);
    }
    whole(title, bottom + 36.0 + ROW * lines.len() as f64, &svg)
}

fn colour(index: Option<usize>) -> &'static str {
    COLOURS[index.unwrap_or_default() % COLOURS.len()]
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _infallible = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

fn whole(title: &str, height: f64, inner: &str) -> String {
    let mut head = String::new();
    text(&mut head, WIDTH / 2.0, 22.0, "middle", title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" font-family=\"sans-serif\" \
         font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>{head}{inner}</svg>\n"
    )
}
