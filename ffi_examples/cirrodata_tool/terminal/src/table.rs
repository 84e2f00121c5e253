//! Tables as text, with columns that share the width of a terminal.

use comfy_table::presets::ASCII_NO_BORDERS;
use comfy_table::{ContentArrangement, Table as Grid, TableComponent};

/// A table that grows row by row.
pub struct Table {
    grid: Grid,
}

impl Table {
    /// A table of so many columns of characters at most, where long cells go on in a further line; 0 for a table as wide as
    /// its cells.
    pub fn new(width: u16) -> Self {
        let mut grid = Grid::new();
        grid.load_preset(ASCII_NO_BORDERS).remove_style(TableComponent::HorizontalLines);
        grid.remove_style(TableComponent::MiddleIntersections);
        if width == 0 {
            grid.set_content_arrangement(ContentArrangement::Disabled);
        } else {
            grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        Self { grid }
    }

    /// The names of the columns.
    pub fn head(&mut self, cells: &[String]) {
        self.grid.set_header(cells);
    }

    /// One more row.
    pub fn row(&mut self, cells: &[String]) {
        self.grid.add_row(cells);
    }

    /// The table, each line with its line feed and no blanks at its end.
    pub fn text(&self) -> String {
        self.grid.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn cells(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn nothing_is_cut_where_no_width_is_given() {
        let mut table = Table::new(0);
        let long = "x".repeat(500);
        table.head(&cells(&["task", "state"]));
        table.row(&cells(&[&long, "Init"]));
        let text = table.text();
        assert!(text.lines().any(|line| line.contains(&long) && line.contains("Init")), "{text}");
        assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_asked_and_no_character_is_lost() {
        let mut table = Table::new(40);
        table.head(&cells(&["任务", "state"]));
        table.row(&cells(&[&"0123456789".repeat(6), "Init"]));
        let text = table.text();
        assert!(text.lines().all(|line| console::measure_text_width(line) <= 40), "{text}");
        assert_eq!(text.matches(|character: char| character.is_ascii_digit()).count(), 60, "{text}");
    }

    #[test]
    fn columns_line_up_where_a_character_takes_two() {
        let mut table = Table::new(0);
        table.row(&cells(&["任务", "a"]));
        table.row(&cells(&["task", "b"]));
        let ends: Vec<usize> = table.text().lines().map(console::measure_text_width).collect();
        assert_eq!(ends[0], ends[1], "{}", table.text());
    }
}
