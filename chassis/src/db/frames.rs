//! PostgreSQL's messages, cut out of the bytes that pass: a type, a length, a content (PostgreSQL's
//! manual, "Message Formats").

/// A message's type and length.
const HEAD: usize = 5;

/// The types whose content somebody reads: `ErrorResponse` and `ReadyForQuery`.
const READ: [u8; 2] = [b'E', b'Z'];

/// One direction of a connection, wherever it is cut.
#[derive(Debug)]
pub(super) struct Frames {
    head: Vec<u8>,
    content: Vec<u8>,
    /// How much of the content is still to come.
    rest: usize,
}

impl Frames {
    /// What the server sends.
    pub(super) fn of_server() -> Self {
        Self { head: Vec::with_capacity(HEAD), content: Vec::new(), rest: 0 }
    }

    /// What the client sends: its first message has no type, and is told as 0.
    pub(super) fn of_client() -> Self {
        let mut frames = Self::of_server();
        frames.head.push(0);
        frames
    }

    /// Takes the next bytes, and tells of each message that ends in them: its type and, for those
    /// which somebody reads, its content.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut tell: impl FnMut(u8, &[u8])) {
        while !bytes.is_empty() {
            let is_content = self.head.len() == HEAD;
            let wanted = if is_content { self.rest } else { HEAD - self.head.len() };
            let (part, left) = bytes.split_at(wanted.min(bytes.len()));
            bytes = left;
            if is_content {
                self.rest -= part.len();
                if READ.contains(&self.head[0]) {
                    self.content.extend_from_slice(part);
                }
            } else {
                self.head.extend_from_slice(part);
                // The length counts itself.
                self.rest = self.length().saturating_sub(4);
            }
            if self.head.len() == HEAD && self.rest == 0 {
                tell(self.head[0], &self.content);
                self.head.clear();
                self.content.clear();
            }
        }
    }

    /// The length in the head, 0 where the head is not whole.
    fn length(&self) -> usize {
        match self.head[..] {
            [_, a, b, c, d] => u32::from_be_bytes([a, b, c, d]) as usize,
            _ => 0,
        }
    }
}

/// The SQLSTATE of an `ErrorResponse`: fields that begin with a letter and end with a NUL.
pub(super) fn sql_state(content: &[u8]) -> Option<&[u8]> {
    content.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"C"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(mut frames: Frames, bytes: &[u8], size: usize) -> Vec<(u8, Vec<u8>)> {
        let mut told = Vec::new();
        for chunk in bytes.chunks(size) {
            frames.feed(chunk, |kind, content| told.push((kind, content.to_vec())));
        }
        told
    }

    #[test]
    fn messages_are_found_however_they_are_cut() {
        let bytes = b"D\0\0\0\x0bpayload1\0\0\0\x04Z\0\0\0\x05I";

        for size in 1..=bytes.len() {
            let told = messages(Frames::of_server(), bytes, size);

            let expected = [(b'D', vec![]), (b'1', vec![]), (b'Z', vec![b'I'])];
            assert_eq!(told, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn the_first_message_of_a_client_has_no_type() {
        let told = messages(Frames::of_client(), b"\0\0\0\x08\0\x03\0\0S\0\0\0\x04", 3);

        assert_eq!(told, [(0, vec![]), (b'S', vec![])]);
    }

    #[test]
    fn an_error_tells_its_sql_state() {
        assert_eq!(sql_state(b"SERROR\0VERROR\0C25006\0Mno\0\0"), Some(&b"25006"[..]));
        assert_eq!(sql_state(b"SERROR\0\0"), None);
    }
}
