<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * A Redis that misbehaves, in a process of its own. Commands that are not its business it answers with OK.
 */
final class FakeRedis
{
    public readonly int $port;
    private readonly int $pid;
    private readonly string $log;

    /**
     * @param callable(list<string> $command, int $count, int $port): ?string $answer what it says to a command, of
     *     which so many have come; null breaks the connection
     * @param bool $cutsShort it breaks each connection after ten bytes
     */
    public function __construct(callable $answer, private readonly bool $cutsShort = false)
    {
        $listening = stream_socket_server('tcp://127.0.0.1:0');
        $name = (string) stream_socket_get_name($listening, false);
        $this->port = (int) substr($name, strrpos($name, ':') + 1);
        $this->log = (string) tempnam(sys_get_temp_dir(), 'sioemit-php-fake');
        $this->pid = pcntl_fork();
        if ($this->pid === 0) {
            try {
                $this->serve($listening, $answer);
            } finally {
                posix_kill(getmypid(), SIGKILL); // or it would go on as a second PHPUnit
            }
        }
        fclose($listening);
    }

    /**
     * Returns how many commands of a name it got.
     */
    public function count(string $command): int
    {
        return substr_count((string) file_get_contents($this->log), "$command\n");
    }

    public function stop(): void
    {
        posix_kill($this->pid, SIGKILL);
        pcntl_waitpid($this->pid, $status);
        unlink($this->log);
    }

    /**
     * @param resource $listening
     */
    private function serve($listening, callable $answer): never
    {
        $connections = [];
        $count = 0;
        while (true) {
            $ready = [$listening, ...$connections];
            $none = null;
            stream_select($ready, $none, $none, null);
            foreach ($ready as $socket) {
                if ($socket === $listening) {
                    $connection = stream_socket_accept($listening);
                    if ($this->cutsShort) {
                        fread($connection, 10);
                        fclose($connection);
                    } else {
                        $connections[(int) $connection] = $connection;
                    }
                    continue;
                }
                do {
                    $command = self::read($socket);
                    if ($command !== null) {
                        file_put_contents($this->log, strtoupper($command[0]) . "\n", FILE_APPEND);
                    }
                    $reply = $command === null ? null : $answer($command, ++$count, $this->port);
                    if ($reply === null) {
                        fclose($socket);
                        unset($connections[(int) $socket]);
                        break;
                    }
                    @fwrite($socket, $reply);
                } while (stream_get_meta_data($socket)['unread_bytes'] > 0);
            }
        }
    }

    /**
     * @param resource $socket
     *
     * @return ?list<string>
     */
    private static function read($socket): ?array
    {
        $line = @fgets($socket);
        if ($line === false) {
            return null;
        }
        $words = [];
        for ($n = (int) substr($line, 1); $n > 0; $n--) {
            $length = (int) substr((string) fgets($socket), 1);
            $words[] = substr((string) stream_get_contents($socket, $length + 2), 0, -2);
        }
        return $words;
    }
}
