//! Tests of the memory itself.

#![cfg(target_os = "linux")]

use super::*;

/// Whether the system was asked for huge pages where this address is.
fn has_huge_pages(address: usize) -> bool {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut is_here = false;
    for line in maps.lines() {
        let Some((word, rest)) = line.split_once(' ') else { continue };
        if let Some((from, to)) = word.split_once('-') {
            let [from, to] = [from, to].map(|end| usize::from_str_radix(end, 16).unwrap());
            is_here = (from..to).contains(&address);
        }
        if is_here && word == "VmFlags:" {
            return rest.split_whitespace().any(|flag| flag == "hg");
        }
    }
    panic!("nothing is mapped at {address:#x}");
}

#[test]
fn all_of_it_may_be_in_huge_pages() {
    if !std::fs::exists("/sys/kernel/mm/transparent_hugepage").unwrap() {
        return;
    }
    let mut memory = Memory::default();

    memory.grow(19 * 1024);

    let all = memory.0.as_ptr_range();
    assert!(has_huge_pages(all.start.addr()));
    assert!(has_huge_pages(all.end.addr() - 1));
}
