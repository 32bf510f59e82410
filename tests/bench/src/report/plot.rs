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

/// What the axes of lines are called.
pub(super) struct Axes {
    pub(super) x: &'static str,
    pub(super) y: &'static str,
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

/// Horizontal bars in groups; a thin line on each shows how far it varied, and one through all where the value is 1. `labels` are
/// those of all pictures, which give a label its colour.
pub(super) fn bars(title: &str, labels: &[&str], groups: &[(String, Vec<Bar>)]) -> String {
    let all = || groups.iter().flat_map(|(_, bars)| bars);
    let most = all().map(|bar| bar.most).fold(1.0, f64::max);
    let x = |value: f64| LEFT + value / most * (RIGHT - LEFT);
    let (mut y, mut svg) = (TOP, String::new());
    for (group, bars) in groups {
        let _infallible = write!(
            svg,
            "<text x=\"10\" y=\"{:.1}\" font-weight=\"bold\">{}</text>",
            y + 13.0,
            escaped(group)
        );
        y += ROW;
        for bar in bars {
            let colour = colour(labels, &bar.label);
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
    let one = x(1.0);
    let line = format!(
        "<line x1=\"{one:.1}\" x2=\"{one:.1}\" y1=\"{TOP}\" y2=\"{y:.1}\" stroke=\"#999\" stroke-dasharray=\"3 3\"/>"
    );
    whole(title, y + 10.0, &(svg + &line))
}

/// Lines over a common pair of axes that begin at zero.
pub(super) fn lines(title: &str, axes: &Axes, labels: &[&str], lines: &[Line]) -> String {
    let bottom = TOP + 300.0;
    let points = || lines.iter().flat_map(|line| &line.points);
    let (step_x, most_x) = scale(points().map(|point| point.0).fold(1.0, f64::max));
    let (step_y, most_y) = scale(points().map(|point| point.1).fold(1.0, f64::max));
    let (left, right) = (60.0, WIDTH - 40.0);
    let x = |value: f64| left + value / most_x * (right - left);
    let y = |value: f64| bottom - value / most_y * (bottom - TOP);
    let mut svg = String::new();
    for value in steps(step_y, most_y) {
        let at = y(value);
        let _infallible = write!(
            svg,
            "<line x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>"
        );
        text(&mut svg, left - 6.0, at + 4.0, "end", &number(value));
    }
    for value in steps(step_x, most_x) {
        let at = x(value);
        let _infallible = write!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{bottom}\" y2=\"{:.1}\" stroke=\"#999\"/>",
            bottom + 4.0
        );
        text(&mut svg, at, bottom + 17.0, "middle", &number(value));
    }
    text(&mut svg, left - 6.0, TOP - 12.0, "end", axes.y);
    text(&mut svg, right + 8.0, bottom + 4.0, "start", axes.x);
    for (index, line) in lines.iter().enumerate() {
        let colour = colour(labels, &line.label);
        let points = line.points.iter().fold(String::new(), |mut points, point| {
            let _infallible = write!(points, "{:.1},{:.1} ", x(point.0), y(point.1));
            points
        });
        let _infallible = write!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\
             <rect x=\"{left}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>",
            bottom + 30.0 + ROW * index as f64,
        );
        let at = bottom + 39.0 + ROW * index as f64;
        text(&mut svg, left + 16.0, at, "start", &line.label);
    }
    whole(title, bottom + 40.0 + ROW * lines.len() as f64, &svg)
}

/// A step of 1, 2 or 5 of some power of ten, of which no more than seven reach this value, and where the last of them ends.
pub(super) fn scale(most: f64) -> (f64, f64) {
    let power = 10f64.powf((most / 7.0).log10().floor());
    let step = [1.0, 2.0, 5.0].map(|times| times * power);
    let step = step.into_iter().find(|step| most / step <= 7.0);
    let step = step.unwrap_or(10.0 * power);
    (step, (most / step).ceil() * step)
}

fn steps(step: f64, most: f64) -> impl Iterator<Item = f64> {
    let count = (most / step).round() as usize;
    (0..=count).map(move |index| index as f64 * step)
}

/// As many digits as a step of [`scale`] has.
fn number(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    rounded.to_string()
}

fn colour(labels: &[&str], label: &str) -> &'static str {
    let index = labels.iter().position(|it| *it == label);
    COLOURS[index.unwrap_or_default() % COLOURS.len()]
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = escaped(text);
    let _infallible = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn whole(title: &str, height: f64, inner: &str) -> String {
    let mut head = String::new();
    text(&mut head, WIDTH / 2.0, 22.0, "middle", title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" font-family=\"sans-serif\" \
         font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>{head}{inner}</svg>\n"
    )
}
