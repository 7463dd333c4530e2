//! What Argon2 fills: kept from hash to hash, and in huge pages where the system has them.
//!
//! Allocating and clearing 19 MiB each time costs a tenth of the hashes. In pages of 4 KiB, most of
//! what a hash reads, in an order that nobody can foresee, costs a walk through the page tables as
//! well: in pages of 2 MiB it takes a sixteenth less time.

use argon2::password_hash::phc::Salt;
use argon2::{Argon2, Block};
use proto::Password;

use super::failed;
use crate::error::Error;

/// As large as the largest hash so far.
#[derive(Default)]
pub(super) struct Memory(pub(super) Vec<Block>);

impl Memory {
    pub(super) fn hash(
        &mut self,
        argon: &Argon2<'_>,
        password: &Password,
        salt: &Salt,
        output: &mut [u8],
    ) -> Result<(), Error> {
        self.grow(argon.params().block_count());
        let password = password.expose().as_bytes();
        argon.hash_password_into_with_memory(password, salt, output, &mut self.0).map_err(failed)
    }

    fn grow(&mut self, blocks: usize) {
        if self.0.len() >= blocks {
            return;
        }
        // Not both at once.
        self.0 = Vec::new();
        self.0.reserve_exact(blocks);
        // Before the first use: a page that is there already is not made a huge one at once.
        ask_for_huge_pages(&mut self.0);
        self.0.resize(blocks, Block::default());
    }
}

/// Linux gives huge pages by itself, or to who asks, or never (transparent_hugepage/enabled); most
/// distributions have it ask.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no system call that takes an address is safe")]
fn ask_for_huge_pages(memory: &mut Vec<Block>) {
    use rustix::mm::{Advice, madvise};

    let (start, size) = (memory.as_mut_ptr(), memory.capacity() * Block::SIZE);
    // The system knows whole pages; and a part of one more is better than a huge page less.
    let before = start.addr() % rustix::param::page_size();
    // SAFETY: the advice changes neither what is in the memory nor what may be done with it, also
    // not where it is about what else the first page holds.
    let asked = unsafe {
        madvise(start.wrapping_byte_sub(before).cast(), size + before, Advice::LinuxHugepage)
    };
    if let Err(error) = asked {
        tracing::debug!(%error, "hashes have small pages");
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages(_: &mut Vec<Block>) {}

#[cfg(test)]
mod tests;
