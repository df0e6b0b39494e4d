<?php

/**
 * Ends with 0 when PHP has what the tests need.
 */

declare(strict_types=1);

use Sioemit\Tests\FpmServer;

require __DIR__ . '/FpmServer.php';

$extensions = ['redis', 'igbinary', 'dom', 'mbstring', 'pcntl', 'posix'];
$packages = ['Predis', 'Illuminate/Broadcasting', 'Illuminate/Queue', 'Illuminate/Redis'];
$missing = [
    ...array_filter($extensions, fn (string $name) => !extension_loaded($name)),
    ...array_filter($packages, fn (string $name) => stream_resolve_include_path("$name/autoload.php") === false),
];
exit(PHP_VERSION_ID >= 80100 && $missing === [] && FpmServer::program() !== null ? 0 : 1);
