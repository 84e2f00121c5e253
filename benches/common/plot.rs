//! Two panels side by side: time a task, and memory a task.

use std::error::Error;
use std::path::Path;

use plotters::coord::ranged1d::Ranged;
use plotters::prelude::{
    Cartesian2d, ChartBuilder, ChartContext, Color, DashedLineSeries, IntoDrawingArea, IntoLogRange, LineSeries,
    PathElement, RGBColor, SVGBackend, SeriesLabelPosition, Text, BLACK, WHITE,
};

type Drawn = Result<(), Box<dyn Error>>;

const MEASURED: RGBColor = RGBColor(31, 90, 160);
const STRAIGHT: RGBColor = RGBColor(120, 120, 120);
const GOAL: RGBColor = RGBColor(190, 60, 40);

/// By how much the time of a task may grow over that of the smallest tree.
const GOAL_RATIO: f64 = 1.15;

/// What the memory of a task is meant to be under where tasks are many.
const GOAL_BYTES: f64 = 150.0;

/// Draws both, each by its number of tasks.
pub fn draw(file: &Path, times_us: &[(f64, f64)], straight_us: &[(f64, f64)], memory_bytes: &[(f64, f64)]) -> Drawn {
    let area = SVGBackend::new(file, (960, 360)).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(480);
    let (least, most) = (times_us[0].0, times_us[times_us.len() - 1].0);
    let tasks = || (least * 0.8..most * 1.25).log_scale();
    let highest = |figures: &[(f64, f64)]| figures.iter().map(|figure| figure.1).fold(0.0, f64::max);

    let goal = times_us[0].1 * GOAL_RATIO;
    let mut chart = ChartBuilder::on(&left)
        .caption("UPGRADE on a local disk: microseconds a task", ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(tasks(), 0.0..highest(times_us).max(goal) * 1.6)?;
    chart.configure_mesh().x_desc("tasks").x_label_formatter(&label).y_label_formatter(&label).draw()?;
    let straight = LineSeries::new(straight_us.iter().copied(), STRAIGHT.stroke_width(2)).point_size(4);
    chart.draw_series(straight)?.label("a straight program").legend(|(x, y)| line_of(STRAIGHT, x, y));
    named(&mut chart, straight_us)?;
    series(&mut chart, times_us, goal, "goal: 15 % over the smallest tree")?;

    let mut chart = ChartBuilder::on(&right)
        .caption("Peak memory over the start: bytes a task", ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(tasks(), (10.0..highest(memory_bytes).max(GOAL_BYTES) * 4.0).log_scale())?;
    chart.configure_mesh().x_desc("tasks").x_label_formatter(&label).y_label_formatter(&label).draw()?;
    series(&mut chart, memory_bytes, GOAL_BYTES, "goal: under 150 bytes")?;
    area.present()?;
    Ok(())
}

/// A number as people write it.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that the labels ask for")]
fn label(number: &f64) -> String {
    let mut text = format!("{number:.0}");
    for place in (1..text.len()).rev().filter(|place| (text.len() - place) % 3 == 0).collect::<Vec<_>>() {
        text.insert(place, ',');
    }
    text
}

/// What was measured as a line with its numbers, and the goal as a dashed one.
fn series<'a, X, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
    figures: &[(f64, f64)],
    goal: f64,
    goal_label: &str,
) -> Drawn
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    let line = LineSeries::new(figures.iter().copied(), MEASURED.stroke_width(2)).point_size(4);
    chart.draw_series(line)?.label("measured").legend(|(x, y)| line_of(MEASURED, x, y));
    let bounds = figures.iter().map(|figure| (figure.0, goal));
    chart
        .draw_series(DashedLineSeries::new(bounds, 6, 4, GOAL.stroke_width(1)))?
        .label(goal_label)
        .legend(|(x, y)| line_of(GOAL, x, y));
    named(chart, figures)?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
}

/// Each figure in numbers at its place.
fn named<'a, X, Y>(chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>, figures: &[(f64, f64)]) -> Drawn
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    chart.draw_series(figures.iter().map(|figure| Text::new(label(&figure.1), *figure, ("sans-serif", 12))))?;
    Ok(())
}

/// The piece of a line that stands beside its name.
fn line_of(color: RGBColor, x: i32, y: i32) -> PathElement<(i32, i32)> {
    PathElement::new([(x, y), (x + 18, y)], color)
}
