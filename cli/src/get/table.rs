//! Tables as kubectl prints them.

/// Prints rows under their headings: columns at least six wide, three blanks between them.
pub(crate) fn print(headings: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        let heading = headings.get(column).map_or(0, |heading| heading.len());
        cells.chain([heading]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headings.len()).map(|column| (width(column) + 3).max(6)).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: String =
            cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", padded.trim_end());
    };
    line(&mut headings.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
}

/// How long ago a time was, in kubectl's notation; `seconds` since it, `None` when it is not known.
pub(super) fn age(seconds: Option<i64>) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    let Some(s) = seconds else { return "<unknown>".into() };
    let pair =
        |large: i64, large_unit: &str, small: i64, small_unit: &str| match (s % large) / small {
            0 => format!("{}{large_unit}", s / large),
            rest => format!("{}{large_unit}{rest}{small_unit}", s / large),
        };
    match s {
        ..-1 => "<invalid>".into(),
        -1..=0 => "0s".into(),
        1..120 => format!("{s}s"),
        120..600 => pair(MINUTE, "m", 1, "s"),
        600..10_800 => format!("{}m", s / MINUTE),
        10_800..28_800 => pair(HOUR, "h", MINUTE, "m"),
        28_800..172_800 => format!("{}h", s / HOUR),
        172_800..691_200 => pair(DAY, "d", HOUR, "h"),
        691_200..63_072_000 => format!("{}d", s / DAY),
        63_072_000..252_288_000 => pair(YEAR, "y", DAY, "d"),
        _ => format!("{}y", s / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages_are_kubectls() {
        let cases = [
            (None, "<unknown>"),
            (Some(-5), "<invalid>"),
            (Some(0), "0s"),
            (Some(119), "119s"),
            (Some(120), "2m"),
            (Some(125), "2m5s"),
            (Some(3_600), "60m"),
            (Some(10_860), "3h1m"),
            (Some(90_000), "25h"),
            (Some(180_000), "2d2h"),
            (Some(864_000), "10d"),
            (Some(2 * 31_536_000), "2y"),
            (Some(9 * 31_536_000), "9y"),
        ];
        for (seconds, want) in cases {
            assert_eq!(age(seconds), want, "{seconds:?}");
        }
    }
}
