<?php

/**
 * The driver through which the conformance suite calls the emitter. docs/conformance.md describes its lines.
 */

declare(strict_types=1);

namespace Sioemit\Conformance;

require __DIR__ . '/../tests/bootstrap.php';
require __DIR__ . '/Clients.php';
require __DIR__ . '/Values.php';
require __DIR__ . '/Driver.php';

$variants = ['phpredis', 'predis'];
$words = array_slice($argv, 1);
if ($words === ['--list']) {
    echo implode("\n", $variants), "\n";
} elseif (count($words) === 1 && in_array($words[0], $variants, true)) {
    (new Driver($words[0]))->run(STDIN);
} else {
    fwrite(STDERR, 'usage: run --list, or run VARIANT, one of ' . implode(', ', $variants) . "\n");
    exit(2);
}
