//! Unix time as a date, for people to read.

/// A point in time in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub millisecond: u32,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Civil {
    /// The date of a unix time in milliseconds.
    ///
    /// Years are counted from March, so that the leap day is a year's last and the lengths of the
    /// months before it repeat every five (153 days).
    pub fn from_unix_ms(unix_ms: i64) -> Self {
        let (days, ms_of_day) = (unix_ms.div_euclid(86_400_000), unix_ms.rem_euclid(86_400_000));
        // Day 0 is 1 March of the year 0; an era is the 400 years after which the calendar repeats.
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let part = |divisor: i64, modulus: i64| (ms_of_day / divisor % modulus) as u32;
        Self {
            year,
            month: month as u32,
            day: day as u32,
            hour: part(3_600_000, 24),
            minute: part(60_000, 60),
            second: part(1_000, 60),
            millisecond: part(1, 1_000),
        }
    }

    /// `Nov`
    pub fn month_name(&self) -> &'static str {
        MONTHS[self.month as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        for (unix_ms, expected) in [
            (0, (1970, 1, 1, 0, 0, 0, 0)),
            (-1, (1969, 12, 31, 23, 59, 59, 999)),
            (951_782_400_000, (2000, 2, 29, 0, 0, 0, 0)),
            (1_709_251_199_999, (2024, 2, 29, 23, 59, 59, 999)),
            (1_795_312_013_315, (2026, 11, 22, 1, 46, 53, 315)),
            (4_107_542_400_000, (2100, 3, 1, 0, 0, 0, 0)),
        ] {
            let at = Civil::from_unix_ms(unix_ms);
            let shown = (at.year, at.month, at.day, at.hour, at.minute, at.second, at.millisecond);
            assert_eq!(shown, expected);
        }
        assert_eq!(Civil::from_unix_ms(1_795_312_013_315).month_name(), "Nov");
    }
}
