<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * What would be published can be installed in an empty project, without a network, and works.
 */
final class PackageTest extends RedisTestCase
{
    private string $directory;

    protected function setUp(): void
    {
        $this->directory = sys_get_temp_dir() . '/sioemit-php-package-' . getmypid();
        mkdir($this->directory);
    }

    protected function tearDown(): void
    {
        exec('rm -rf ' . escapeshellarg($this->directory));
    }

    public function testInstall(): void
    {
        $sdk = dirname(__DIR__);
        exec("make -s --no-print-directory -C $sdk installed DIR=$this->directory 2>&1", $output, $status);
        self::assertSame([0, ''], [$status, implode("\n", $output)]);
        $names = array_diff((array) scandir("$this->directory/package"), ['.', '..']);
        self::assertSame(['LICENSE', 'README.md', 'composer.json', 'src'], array_values($names));

        $listener = $this->listener();
        $program = '
            $redis = new Redis();
            $redis->connect("127.0.0.1", ' . self::$server->port . ');
            $io = new Sioemit\Emitter($redis);
            $io->emit("installed", (new ReflectionClass($io))->getFileName());';
        $process = proc_open("$this->directory/run", [0 => ['pipe', 'r']], $pipes);
        fwrite($pipes[0], $program);
        fclose($pipes[0]);
        self::assertSame(0, proc_close($process));
        $file = "$this->directory/vendor/sioemit/emitter/src/Emitter.php";
        self::assertSame(['installed', $file], $listener->event());
    }
}
