<?php

declare(strict_types=1);

namespace Sioemit;

/**
 * Bytes, which arrive as a Buffer in Node.js and as an ArrayBuffer in a browser. A string is text.
 */
final class Binary
{
    public function __construct(public readonly string $bytes)
    {
    }
}
