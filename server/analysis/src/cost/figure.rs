//! Figures and how they add up.

use std::ops::Add;

/// One figure, and whether it was measured.
///
/// Measured is what comes from a build log, a local engine or the size of a file; anything else is an estimate by the kind
/// of step, and whoever shows it says so (`~`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Seconds or bytes; finite and not negative.
    pub value: f64,
    /// Whether it was measured.
    pub measured: bool,
}

impl Figure {
    /// A measured figure. What is no number counts as 0.
    pub fn measured(value: f64) -> Figure {
        Figure { value: clean(value), measured: true }
    }

    /// An estimate. What is no number counts as 0.
    pub fn estimate(value: f64) -> Figure {
        Figure { value: clean(value), measured: false }
    }

    /// The sum of what is known; `None` if nothing is, 0 (measured) of no parts at all. It is measured only if every part is
    /// known and measured: a sum that leaves something out is an estimate from below.
    pub fn sum(parts: impl IntoIterator<Item = Option<Figure>>) -> Option<Figure> {
        let (mut total, mut known, mut unknown) = (Figure::measured(0.0), 0, 0);
        for part in parts {
            match part {
                Some(part) => {
                    total = total + part;
                    known += 1;
                }
                None => unknown += 1,
            }
        }
        total.measured &= unknown == 0;
        (known > 0 || unknown == 0).then_some(total)
    }
}

impl Add for Figure {
    type Output = Figure;

    /// The sum, measured if both are.
    fn add(self, other: Figure) -> Figure {
        Figure { value: clean(self.value + other.value), measured: self.measured && other.measured }
    }
}

fn clean(value: f64) -> f64 {
    if value.is_finite() { value.max(0.0) } else { 0.0 }
}

/// What a step costs when it runs: how long it takes, and how many bytes its layer adds to the image (for FROM, those of the
/// base image, unpacked). `None` is "not known".
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Seconds.
    pub seconds: Option<Figure>,
    /// Bytes.
    pub bytes: Option<Figure>,
}

impl Price {
    /// The sum, as [`Figure::sum`] makes it.
    pub fn sum<'a>(prices: impl IntoIterator<Item = &'a Price> + Clone) -> Price {
        Price {
            seconds: Figure::sum(prices.clone().into_iter().map(|p| p.seconds)),
            bytes: Figure::sum(prices.into_iter().map(|p| p.bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_measured_only_if_all_of_it_is() {
        let (m, e) = (Figure::measured, Figure::estimate);
        let cases: [(&[Option<Figure>], Option<Figure>); 6] = [
            (&[], Some(m(0.0))),
            (&[Some(m(1.0)), Some(m(2.0))], Some(m(3.0))),
            (&[Some(m(1.0)), Some(e(2.0))], Some(e(3.0))),
            (&[Some(m(1.0)), None], Some(e(1.0))),
            (&[None], None),
            (&[Some(m(f64::NAN)), Some(m(f64::INFINITY)), Some(m(-1.0))], Some(m(0.0))),
        ];
        for (parts, sum) in cases {
            assert_eq!(Figure::sum(parts.iter().copied()), sum, "{parts:?}");
        }
        let price = Price { seconds: Some(m(1.0)), bytes: None };
        assert_eq!(Price::sum(&[price, price]), Price { seconds: Some(m(2.0)), bytes: None });
    }
}
