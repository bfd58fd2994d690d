// SPDX-License-Identifier: GPL-3.0-or-later
// The native and the WebAssembly build of the catalogue give byte-equal answers to thousands of questions.
// usage: node wasm.mjs CATALOG.wasm ANSWERS_EXECUTABLE LIBRARY.tsv PAIRS.tsv        prints TAP
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [wasmPath, answersPath, library, pairs] = process.argv.slice(2);
const SEARCH = 1, LIST = 2, ROW = 3, FIND = 4, COUNTS = 5, GENRE = 6, LISTS = 18;
const ALL = 0xffffffff;

class Question {
    bytes = [];
    u8(value) { this.bytes.push(value & 255); return this; }
    u32(value) { for (let i = 0; i < 4; i++) this.bytes.push((value >>> (8 * i)) & 255); return this; }
    text(value) { this.bytes.push(...Buffer.from(value, "utf8")); return this; }
    get hex() { return Buffer.from(this.bytes).toString("hex"); }
}

function questions() {
    const all = [];
    const ask = (what, libraries = ALL) => { const q = new Question().u8(what).u32(libraries); all.push(q); return q; };
    const words = readFileSync(pairs, "utf8").trim().split("\n").map((line) => line.split("\t")[1]);
    for (const query of [...words, "", '""', "a", "the", "si ri", "ver", "zz", "\u{1F600}", "x".repeat(600)]) {
        for (const offset of [0, 3])
            ask(SEARCH).u32(offset).u32(20).u32(offset).u32(20).u32(offset).u32(20).text(query);
        for (let size = 1; size < Math.min(query.length, 6); size++)
            ask(SEARCH).u32(0).u32(5).u32(0).u32(5).u32(0).u32(5).text(query.slice(0, size));
    }
    for (const libraries of [ALL, 1, 2, 0])
        for (let list = 0; list < LISTS; list++)
            for (const owner of [0, 1, 2, 7, 100, 5000])
                for (const offset of [0, 1, 13, 1000000])
                    ask(LIST, libraries).u8(list).u32(owner).u32(offset).u32(50).u32((1990 << 16) | 1965).u32(0);
    for (let kind = 0; kind < 5; kind++)
        for (const number of [0, 1, 2, 3, 50, 123, 999, ALL])
            ask(ROW).u8(kind).u32(number);
    for (let i = 0; i < 60; i++)
        ask(GENRE).u32(i);
    ask(COUNTS);
    ask(FIND).u8(0).text("0123456789abcdef");
    ask(99);
    all.push(new Question(), new Question().u8(SEARCH));
    return all;
}

function nativeAnswers(prefix, asked) {
    const input = asked.map((q) => q.hex).join("\n") + "\n";
    const run = spawnSync(answersPath, [library, prefix], { input, maxBuffer: 1 << 28, encoding: "latin1" });
    if (run.status !== 0)
        throw new Error(`answers: status ${run.status} ${run.stderr}`);
    return run.stdout.split("\n").slice(0, -1);
}

function verified(path) {
    const bytes = readFileSync(path);
    const digest = createHash("sha256").update(bytes.subarray(0, 32)).update(bytes.subarray(64)).digest();
    return digest.equals(bytes.subarray(32, 64)) ? bytes : null;
}

function openWasm(core, detail) {
    const module = new WebAssembly.Module(readFileSync(wasmPath));
    const { exports } = new WebAssembly.Instance(module, {});
    const put = (bytes) => {
        const at = exports.catalog_room(bytes.length);
        new Uint8Array(exports.memory.buffer).set(bytes, at);
        return at;
    };
    const fault = exports.catalog_add(put(core), core.length, detail ? put(detail) : 0, detail ? detail.length : 0);
    exports.catalog_start();
    const room = exports.catalog_room(2048);
    const ask = (bytes) => {
        new Uint8Array(exports.memory.buffer).set(bytes, room);
        const size = exports.catalog_ask(room, bytes.length);
        return Buffer.from(exports.memory.buffer, exports.catalog_answer_at(), size).toString("hex");
    };
    return { fault, ask, imports: WebAssembly.Module.imports(module), exports };
}

let count = 0, failed = 0;
function ok(holds, claim) {
    console.log(`${holds ? "ok" : "not ok"} ${++count} - ${claim}`);
    failed += holds ? 0 : 1;
}

const folder = mkdtempSync(join(tmpdir(), "sostenuto-wasm-"));
try {
    const asked = questions();
    const expected = nativeAnswers(join(folder, "s"), asked);
    const core = verified(join(folder, "s.core")), detail = verified(join(folder, "s.detail"));
    ok(core && detail, "a stranger can check a segment's SHA-256");
    const wasm = openWasm(core, detail);
    ok(wasm.imports.length === 0, "the module imports nothing");
    ok(wasm.fault === 0, "the segment opens");
    let different = 0, silent = 0;
    asked.forEach((question, i) => {
        const answer = wasm.ask(question.bytes);
        silent += answer === "";
        if (answer !== expected[i] && different++ < 5)
            console.log(`# ${question.hex}\n#  wasm   ${answer.slice(0, 200)}\n#  native ${expected[i].slice(0, 200)}`);
    });
    ok(expected.length === asked.length && different === 0, `${asked.length} answers are byte-equal`);
    ok(silent < asked.length / 2, "most of them say something");
    const pages = wasm.exports.memory.buffer.byteLength;
    for (let i = 0; i < 200; i++)
        wasm.ask(asked[i % asked.length].bytes);
    ok(wasm.exports.memory.buffer.byteLength === pages, "searching again takes no more memory");
    const bare = openWasm(core, null);
    ok(bare.fault === 0 && bare.ask(asked[0].bytes) === expected[0], "core alone is enough to search");
    const cut = openWasm(core.subarray(0, core.length - 1), null);
    ok(cut.fault !== 0, "a cut segment is refused");
} finally {
    rmSync(folder, { recursive: true });
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
