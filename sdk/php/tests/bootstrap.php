<?php

declare(strict_types=1);

require __DIR__ . '/../vendor/autoload.php';
require __DIR__ . '/values.php';

// Debian's packages lie on the include path, not in vendor/.
foreach (['Predis', 'Illuminate/Broadcasting', 'Illuminate/Queue', 'Illuminate/Redis'] as $package) {
    if (stream_resolve_include_path("$package/autoload.php") !== false) {
        require_once "$package/autoload.php";
    }
}
