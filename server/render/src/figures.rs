//! Figures for people: seconds, bytes and prices. The one place that says how they look, for the text form, hints, lenses
//! and the page alike.
//!
//! An estimate has `~` before it and no more digits than it deserves: one or two. A measured figure has at most three.

use layerwise_analysis::cost::{Figure, Price};
use serde_json::{Value, json};

/// Seconds, as `0.4 s`, `12 s`, `2 min`, `1 h 5 min`; estimates as `~20 s`.
pub fn seconds(figure: Figure) -> String {
    let mark = if figure.measured { "" } else { "~" };
    let value = if figure.measured { figure.value } else { one_digit(figure.value) };
    format!("{mark}{}", duration(value))
}

/// Bytes in decimal units, as Docker shows them: `812 B`, `1.2 kB`, `48 MB`, `1.1 GB`; estimates as `~120 MB`.
pub fn bytes(figure: Figure) -> String {
    let mark = if figure.measured { "" } else { "~" };
    let value = if figure.measured { figure.value } else { two_digits(figure.value) };
    format!("{mark}{}", size(value))
}

/// Both parts of a price that are known and not nothing, joined by `, `; empty if there is none.
pub fn price(price: &Price) -> String {
    let seconds = price.seconds.filter(|s| s.value >= 0.05).map(seconds);
    let bytes = price.bytes.filter(|b| b.value >= 1.0).map(bytes);
    seconds.into_iter().chain(bytes).collect::<Vec<_>>().join(", ")
}

/// A figure in JSON: `{"value", "measured"}` or null. Seconds have three decimals at most, bytes are whole.
pub fn figure_json(figure: Option<Figure>) -> Value {
    let Some(figure) = figure else { return Value::Null };
    let rounded = (figure.value * 1_000.0).round() / 1_000.0;
    // Whole numbers are written as such.
    let value = if rounded.fract() == 0.0 && rounded < 9e15 { json!(rounded as u64) } else { json!(rounded) };
    json!({ "value": value, "measured": figure.measured })
}

/// A price in JSON: `{"seconds": F, "bytes": F}`.
pub fn price_json(price: &Price) -> Value {
    let bytes = price.bytes.map(|b| Figure { value: b.value.round(), ..b });
    json!({ "seconds": figure_json(price.seconds), "bytes": figure_json(bytes) })
}

fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        let tenths = format!("{seconds:.1}");
        return format!("{} s", tenths.strip_suffix(".0").unwrap_or(&tenths));
    }
    // Rounded first, so that 59.7 s is a minute and not 60 s.
    let whole = seconds.round() as u64;
    match (whole / 3_600, whole % 3_600 / 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) if m < 10 => format!("{m} min {s} s"),
        (0, m, _) => format!("{m} min"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

fn size(bytes: f64) -> String {
    let mut value = bytes.max(0.0);
    if value < 999.5 {
        return format!("{} B", value.round());
    }
    let mut unit = "";
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 999.5 && !unit.is_empty() {
            break;
        }
        (value, unit) = (value / 1_000.0, next);
    }
    let text = if value < 9.95 { format!("{value:.1}") } else { format!("{}", value.round()) };
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

/// One digit; two where the first is 1, since 10 and 20 lie far apart. Minutes are whole ones.
fn one_digit(value: f64) -> f64 {
    if value >= 90.0 {
        return (value / 60.0).round() * 60.0;
    }
    round_to(value, if first_digit(value) == 1 { 2 } else { 1 })
}

fn two_digits(value: f64) -> f64 {
    round_to(value, 2)
}

fn first_digit(value: f64) -> u32 {
    if value <= 0.0 {
        return 0;
    }
    (value / 10f64.powf(value.log10().floor())).floor() as u32
}

fn round_to(value: f64, digits: i32) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let power = 10f64.powi(digits - 1 - value.log10().floor() as i32);
    (value * power).round() / power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_look_like_this() {
        let cases = [
            (0.0, "0 s", "~0 s"),
            (0.04, "0 s", "~0 s"),
            (0.42, "0.4 s", "~0.4 s"),
            (1.0, "1 s", "~1 s"),
            (1.26, "1.3 s", "~1.3 s"),
            (9.96, "10 s", "~10 s"),
            (12.3, "12 s", "~12 s"),
            (47.6, "48 s", "~50 s"),
            (59.7, "1 min", "~1 min"),
            (61.2, "1 min 1 s", "~1 min"),
            (83.0, "1 min 23 s", "~1 min 20 s"),
            (157.0, "2 min 37 s", "~3 min"),
            (754.0, "12 min", "~13 min"),
            (3_599.9, "1 h", "~1 h"),
            (3_900.0, "1 h 5 min", "~1 h 5 min"),
        ];
        for (value, measured, estimate) in cases {
            assert_eq!(seconds(Figure::measured(value)), measured, "{value}");
            assert_eq!(seconds(Figure::estimate(value)), estimate, "{value}");
        }
    }

    #[test]
    fn bytes_look_like_this() {
        let cases = [
            (0.0, "0 B", "~0 B"),
            (812.0, "812 B", "~810 B"),
            (999.6, "1 kB", "~1 kB"),
            (1_234.0, "1.2 kB", "~1.2 kB"),
            (120_034.0, "120 kB", "~120 kB"),
            (999_600.0, "1 MB", "~1 MB"),
            (12_100_000.0, "12 MB", "~12 MB"),
            (187_654_321.0, "188 MB", "~190 MB"),
            (1_100_000_000.0, "1.1 GB", "~1.1 GB"),
            (5e15, "5000 TB", "~5000 TB"),
        ];
        for (value, measured, estimate) in cases {
            assert_eq!(bytes(Figure::measured(value)), measured, "{value}");
            assert_eq!(bytes(Figure::estimate(value)), estimate, "{value}");
        }
    }

    #[test]
    fn prices_name_what_is_known() {
        let (m, e) = (Figure::measured, Figure::estimate);
        let cases = [
            (None, None, ""),
            (Some(e(20.0)), None, "~20 s"),
            (Some(m(1.0)), Some(e(5e6)), "1 s, ~5 MB"),
            (Some(m(0.0)), Some(m(0.0)), ""),
        ];
        for (seconds, bytes, text) in cases {
            assert_eq!(price(&Price { seconds, bytes }), text);
        }
    }

    #[test]
    fn json_has_the_documented_shape() {
        let price = Price { seconds: Some(Figure::estimate(12.34567)), bytes: Some(Figure::measured(7.6)) };
        assert_eq!(
            price_json(&price).to_string(),
            r#"{"seconds":{"value":12.346,"measured":false},"bytes":{"value":8,"measured":true}}"#
        );
        assert_eq!(price_json(&Price::default()), json!({ "seconds": null, "bytes": null }));
    }
}
