<?php

/**
 * Tells one user, everyone but the muted, and the servers: php notify.php [HOST [PORT]].
 */

declare(strict_types=1);

use Sioemit\Emitter;

require __DIR__ . '/../vendor/autoload.php';

$redis = new Redis();
$redis->connect($argv[1] ?? '127.0.0.1', (int) ($argv[2] ?? 6379));
$io = new Emitter($redis);

$io->to('user:7')->emit('order:paid', ['id' => 12345, 'total' => 19.99]);
$io->except('muted')->emit('news', 'The shop is open');
$io->serverSideEmit('reload-config');
echo $io->serverCount(), " servers listen\n";
