// A small msgpack encoder and decoder: what the IPC protocol needs, and no more.
// Strings go out as str, Buffers as bin, integers in their shortest form; bin and str come in as Buffer and string.

const head = (byte, size, n) => {
    const bytes = Buffer.alloc(1 + size);
    bytes[0] = byte;
    if (size === 8) bytes.writeBigUInt64BE(BigInt(n), 1);
    else bytes.writeUIntBE(n, 1, size);
    return bytes;
};

function integer(n) {
    if (n >= 0) {
        if (n < 0x80) return Buffer.from([Number(n)]);
        if (n <= 0xff) return head(0xcc, 1, Number(n));
        if (n <= 0xffff) return head(0xcd, 2, Number(n));
        if (n <= 0xffffffff) return head(0xce, 4, Number(n));
        return head(0xcf, 8, n);
    }
    if (n >= -32) return Buffer.from([Number(n) & 0xff]);
    const bytes = Buffer.alloc(9, 0xd3);
    bytes.writeBigInt64BE(BigInt(n), 1);
    return bytes;
}

export function arrayHead(n) {
    return n < 16 ? Buffer.from([0x90 | n]) : n <= 0xffff ? head(0xdc, 2, n) : head(0xdd, 4, n);
}

export function mapHead(n) {
    return n < 16 ? Buffer.from([0x80 | n]) : n <= 0xffff ? head(0xde, 2, n) : head(0xdf, 4, n);
}

export function strHead(n) {
    return n < 32 ? Buffer.from([0xa0 | n]) : n <= 0xff ? head(0xd9, 1, n) : n <= 0xffff ? head(0xda, 2, n) : head(0xdb, 4, n);
}

export function binHead(n) {
    return n <= 0xff ? head(0xc4, 1, n) : n <= 0xffff ? head(0xc5, 2, n) : head(0xc6, 4, n);
}

/** Bytes that are already msgpack, to be put into a larger value as they are. */
export class Raw {
    constructor(bytes) {
        this.bytes = Buffer.from(bytes);
    }
}

/** A str of arbitrary bytes, valid UTF-8 or not. */
export const rawStr = (bytes) => new Raw(Buffer.concat([strHead(bytes.length), Buffer.from(bytes)]));

export function encode(value) {
    if (value instanceof Raw) return value.bytes;
    if (value === null || value === undefined) return Buffer.from([0xc0]);
    if (value === false) return Buffer.from([0xc2]);
    if (value === true) return Buffer.from([0xc3]);
    if (typeof value === 'bigint' || Number.isInteger(value)) return integer(value);
    if (typeof value === 'number') {
        const bytes = Buffer.alloc(9, 0xcb);
        bytes.writeDoubleBE(value, 1);
        return bytes;
    }
    if (typeof value === 'string') {
        const bytes = Buffer.from(value);
        return Buffer.concat([strHead(bytes.length), bytes]);
    }
    if (Buffer.isBuffer(value)) return Buffer.concat([binHead(value.length), value]);
    if (Array.isArray(value)) return Buffer.concat([arrayHead(value.length), ...value.map(encode)]);
    const pairs = Object.entries(value);
    return Buffer.concat([mapHead(pairs.length), ...pairs.flatMap(([k, v]) => [encode(k), encode(v)])]);
}

export function decode(bytes) {
    let at = 0;
    const take = (n) => {
        if (at + n > bytes.length) throw new Error('msgpack: truncated');
        at += n;
        return bytes.subarray(at - n, at);
    };
    const uint = (n) => (n === 8 ? Number(take(8).readBigUInt64BE()) : take(n).readUIntBE(0, n));
    const sint = (n) => (n === 8 ? Number(take(8).readBigInt64BE()) : take(n).readIntBE(0, n));
    const list = (n) => Array.from({ length: n }, value);
    const map = (n) => Object.fromEntries(Array.from({ length: n }, () => [value(), value()]));
    function value() {
        const b = take(1)[0];
        if (b < 0x80) return b;
        if (b < 0x90) return map(b & 15);
        if (b < 0xa0) return list(b & 15);
        if (b < 0xc0) return take(b & 31).toString();
        if (b >= 0xe0) return b - 256;
        switch (b) {
            case 0xc0: return null;
            case 0xc2: return false;
            case 0xc3: return true;
            case 0xc4: return take(uint(1));
            case 0xc5: return take(uint(2));
            case 0xc6: return take(uint(4));
            case 0xca: return take(4).readFloatBE();
            case 0xcb: return take(8).readDoubleBE();
            case 0xcc: return uint(1);
            case 0xcd: return uint(2);
            case 0xce: return uint(4);
            case 0xcf: return uint(8);
            case 0xd0: return sint(1);
            case 0xd1: return sint(2);
            case 0xd2: return sint(4);
            case 0xd3: return sint(8);
            case 0xd9: return take(uint(1)).toString();
            case 0xda: return take(uint(2)).toString();
            case 0xdb: return take(uint(4)).toString();
            case 0xdc: return list(uint(2));
            case 0xdd: return list(uint(4));
            case 0xde: return map(uint(2));
            case 0xdf: return map(uint(4));
            default: throw new Error(`msgpack: byte 0x${b.toString(16)}`);
        }
    }
    const result = value();
    if (at !== bytes.length) throw new Error(`msgpack: ${bytes.length - at} bytes behind the value`);
    return result;
}
