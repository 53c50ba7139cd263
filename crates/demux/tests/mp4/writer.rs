//! Writes files box by box, right or wrong as a test wants them.

/// A box.
pub(crate) fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend_from_slice(kind);
    out.extend_from_slice(body);
    out
}

/// A box with version and flags.
pub(crate) fn full(kind: &[u8; 4], version: u8, flags: u32, body: &[u8]) -> Vec<u8> {
    atom(kind, &[&(u32::from(version) << 24 | flags).to_be_bytes(), body].concat())
}

/// Words in the order of the file.
pub(crate) fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// A box of counted entries.
pub(crate) fn table(kind: &[u8; 4], entries: &[u32], width: usize) -> Vec<u8> {
    full(kind, 0, 0, &[words(&[(entries.len() / width) as u32]), words(entries)].concat())
}

/// A track, which [`movie`] makes a `trak` of.
#[derive(Clone)]
pub(crate) struct Track {
    pub(crate) id: u32,
    pub(crate) handler: [u8; 4],
    pub(crate) timescale: u32,
    pub(crate) language: u16,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) stsd_version: u8,
    pub(crate) stts: Vec<u32>,
    pub(crate) stsc: Vec<u32>,
    pub(crate) sizes: Vec<u32>,
    pub(crate) chunks: Vec<u32>,
    /// Boxes of `stbl` besides; one of a kind that is written anyway replaces it.
    pub(crate) tables: Vec<Vec<u8>>,
    pub(crate) edits: Option<Vec<u32>>,
    pub(crate) matrix: [i32; 9],
    pub(crate) dref_flags: u32,
    /// Boxes of `trak` and of `mdia` besides.
    pub(crate) trak: Vec<Vec<u8>>,
    pub(crate) mdia: Vec<Vec<u8>>,
}

/// A text track of samples with these sizes, in one chunk at `offset`, a second each.
pub(crate) fn text(id: u32, sizes: &[u32], offset: u32) -> Track {
    Track {
        id,
        handler: *b"text",
        timescale: 1000,
        language: 0x55c4,
        entries: vec![wvtt()],
        stsd_version: 0,
        stts: vec![sizes.len() as u32, 1000],
        stsc: vec![1, sizes.len() as u32, 1],
        sizes: sizes.to_vec(),
        chunks: vec![offset],
        tables: vec![],
        edits: None,
        matrix: [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000],
        dref_flags: 1,
        trak: vec![],
        mdia: vec![],
    }
}

/// A `wvtt` sample entry.
pub(crate) fn wvtt() -> Vec<u8> {
    atom(b"wvtt", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &atom(b"vttC", b"WEBVTT")].concat())
}

/// An `avc1` (or such) sample entry with NAL unit lengths of `width` bytes.
pub(crate) fn avc(kind: &[u8; 4], width: u8, besides: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 78];
    body[7] = 1;
    body[25] = 64;
    body[27] = 48;
    let record = [1, 0x42, 0, 10, 0xfc | (width - 1), 0xe1, 0, 2, 0x67, 1, 1, 0, 2, 0x68, 1];
    body.extend_from_slice(&atom(b"avcC", &record));
    body.extend_from_slice(besides);
    atom(kind, &body)
}

/// The fields of a sound entry before its boxes.
pub(crate) fn sound_header(version: u8) -> Vec<u8> {
    let mut body = vec![0; 28];
    (body[7], body[9], body[17], body[19]) = (1, version, 2, 16);
    body.resize(
        match version {
            1 => 44,
            2 => 64,
            _ => 28,
        },
        0,
    );
    body
}

/// An `esds` box with this object type and decoder-specific information.
pub(crate) fn esds(object: u8, specific: &[u8]) -> Vec<u8> {
    let config = [&[object, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, specific.len() as u8][..], specific].concat();
    let es = [&[0, 1, 0, 4, 0x80, 0x80, 0x80, config.len() as u8][..], &config].concat();
    full(b"esds", 0, 0, &[&[3, es.len() as u8][..], &es].concat())
}

impl Track {
    fn stbl(&self) -> Vec<u8> {
        let stsd = [words(&[self.entries.len() as u32]), self.entries.concat()].concat();
        let sizes = [words(&[0, self.sizes.len() as u32]), words(&self.sizes)].concat();
        let mut boxes = vec![
            full(b"stsd", self.stsd_version, 0, &stsd),
            table(b"stts", &self.stts, 2),
            table(b"stsc", &self.stsc, 3),
            full(b"stsz", 0, 0, &sizes),
            table(b"stco", &self.chunks, 1),
        ];
        let replaced = |kind: &[u8]| match kind {
            b"stsz" => self.has(b"stsz") || self.has(b"stz2"),
            b"stco" => self.has(b"stco") || self.has(b"co64"),
            kind => self.has(kind),
        };
        boxes.retain(|own| !replaced(&own[4..8]));
        boxes.extend(self.tables.iter().cloned());
        atom(b"stbl", &boxes.concat())
    }

    fn has(&self, kind: &[u8]) -> bool {
        self.tables.iter().any(|table| &table[4..8] == kind)
    }

    /// As a `trak` box.
    pub(crate) fn boxed(&self) -> Vec<u8> {
        let matrix: Vec<u32> = self.matrix.iter().map(|value| *value as u32).collect();
        let tkhd = [words(&[0, 0, self.id, 0, 0, 0, 0, 0, 0]), words(&matrix), words(&[0, 0])].concat();
        let dref = [words(&[1]), full(b"url ", 0, self.dref_flags, &[])].concat();
        let minf = [atom(b"dinf", &full(b"dref", 0, 0, &dref)), self.stbl()].concat();
        let mdhd = [words(&[0, 0, self.timescale, 0]), [self.language.to_be_bytes(), [0, 0]].concat()].concat();
        let hdlr = [&[0; 4][..], &self.handler, &[0; 12], b"SoundHandler\0"].concat();
        let mdia = [full(b"mdhd", 0, 0, &mdhd), full(b"hdlr", 0, 0, &hdlr), self.mdia.concat(), atom(b"minf", &minf)];
        let edts = self.edits.as_ref().map(|edits| atom(b"edts", &table(b"elst", edits, 3))).unwrap_or_default();
        atom(b"trak", &[full(b"tkhd", 0, 1, &tkhd), edts, self.trak.concat(), atom(b"mdia", &mdia.concat())].concat())
    }
}

/// A movie box with these tracks and other boxes; its timescale is 600.
pub(crate) fn movie(tracks: &[Track], besides: &[u8]) -> Vec<u8> {
    let mvhd = full(b"mvhd", 0, 0, &[words(&[0, 0, 600, 0]), vec![0; 80]].concat());
    let tracks: Vec<u8> = tracks.iter().flat_map(Track::boxed).collect();
    atom(b"moov", &[&mvhd, &tracks, besides].concat())
}

/// Where the data start in a [`file`].
pub(crate) const DATA: u32 = 28;

/// A file with its data in front of its movie box.
pub(crate) fn file(data: &[u8], moov: &[u8]) -> Vec<u8> {
    [&atom(b"ftyp", b"iso6\0\0\0\0iso6"), &atom(b"mdat", data), moov].concat()
}

/// `mvex` with one `trex`.
pub(crate) fn mvex(id: u32, duration: u32, size: u32, flags: u32) -> Vec<u8> {
    atom(b"mvex", &full(b"trex", 0, 0, &words(&[id, 1, duration, size, flags])))
}
