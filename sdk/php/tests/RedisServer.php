<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * A redis-server of a test's own, on a free port of 127.0.0.1.
 */
final class RedisServer
{
    /** Seconds, which nothing healthy comes near to. */
    public const DEADLINE = 60;

    public readonly int $port;

    /** @var resource */
    private $process;
    private readonly string $directory;

    /**
     * @param list<string> $options  as on the command line
     * @param string       $sentinel what a Sentinel is told to watch
     */
    public function __construct(array $options = [], string $sentinel = '')
    {
        $this->port = self::freePort();
        $this->directory = sys_get_temp_dir() . "/sioemit-php-$this->port-" . getmypid();
        mkdir($this->directory);
        $words = ['--bind', '127.0.0.1', '--port', (string) $this->port, '--dir', $this->directory];
        if ($sentinel !== '') {
            file_put_contents("$this->directory/sentinel.conf", $sentinel);
            $words = ["$this->directory/sentinel.conf", '--sentinel', ...$words];
        } else {
            $words = [...$words, '--save', '', '--cluster-announce-ip', '127.0.0.1'];
        }
        $log = ['file', "$this->directory/log", 'a'];
        $process = proc_open(['redis-server', ...$words, ...$options], [1 => $log, 2 => $log], $pipes);
        if ($process === false) {
            throw new \RuntimeException('the tests need redis-server: apt-get install redis-server');
        }
        $this->process = $process;
        self::waitFor(fn () => @fsockopen('127.0.0.1', $this->port) !== false, 'redis-server listens', function () {
            if (!proc_get_status($this->process)['running']) {
                throw new \RuntimeException('redis-server ended: ' . file_get_contents("$this->directory/log"));
            }
        });
    }

    public function client(): \Redis
    {
        $redis = new \Redis();
        $redis->connect('127.0.0.1', $this->port);
        return $redis;
    }

    public function predis(mixed $options = null): \Predis\Client
    {
        return new \Predis\Client("tcp://127.0.0.1:$this->port", $options);
    }

    /**
     * Ends it as a broken machine would. It still has to be stopped.
     */
    public function kill(): void
    {
        proc_terminate($this->process, SIGKILL);
    }

    /**
     * Makes it deaf, as a machine that is short of everything would be.
     */
    public function pause(): void
    {
        proc_terminate($this->process, SIGSTOP);
        self::waitFor(fn () => proc_get_status($this->process)['stopped'], 'redis-server is stopped');
    }

    public function resume(): void
    {
        proc_terminate($this->process, SIGCONT);
    }

    public function stop(): void
    {
        proc_terminate($this->process);
        proc_close($this->process);
        array_map(unlink(...), (array) glob("$this->directory/*"));
        rmdir($this->directory);
    }

    /**
     * Waits until something holds, and fails when it does not come to.
     *
     * @param callable(): bool  $holds
     * @param ?callable(): void $check
     */
    public static function waitFor(callable $holds, string $what, ?callable $check = null): void
    {
        $end = hrtime(true) + self::DEADLINE * 1e9;
        while (!$holds()) {
            if ($check !== null) {
                $check();
            }
            if (hrtime(true) > $end) {
                throw new \RuntimeException("it did not come to pass that $what");
            }
            usleep(10_000);
        }
    }

    public static function freePort(): int
    {
        $socket = stream_socket_server('tcp://127.0.0.1:0');
        $name = (string) stream_socket_get_name($socket, false);
        fclose($socket);
        return (int) substr($name, strrpos($name, ':') + 1);
    }
}
