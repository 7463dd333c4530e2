//! Text that others wrote, made fit to stand in a line of ours.

/// The text as one line that says what it shows: what breaks a line or steers a terminal becomes
/// a space, and so does what cannot be seen or turns the direction of reading (Unicode TR 36
/// §2.2). Joiners stay: letters of Persian and Hindi and many an emoji need them.
pub fn line(text: &str) -> String {
    text.chars().map(|c| if is_unfit(c) { ' ' } else { c }).collect()
}

fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{feff}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_steers_hides_or_turns_becomes_a_space() {
        for unfit in [
            "\0",
            "\t",
            "\n",
            "\r",
            "\u{b}",
            "\u{1b}",
            "\u{7f}",
            "\u{85}",
            "\u{9b}",
            "\u{ad}",
            "\u{200b}",
            "\u{200f}",
            "\u{2028}",
            "\u{2029}",
            "\u{202e}",
            "\u{2066}",
            "\u{2069}",
            "\u{feff}",
            "\u{e0041}",
        ] {
            assert_eq!(line(&format!("a{unfit}b")), "a b", "{unfit:?}");
        }
    }

    #[test]
    fn what_can_be_read_stays() {
        for text in ["Ä “quote” – 50 % ×", "نامه‌ها", "👩‍👧", "<b>{{ x }}</b> & ;"]
        {
            assert_eq!(line(text), text);
        }
    }
}
